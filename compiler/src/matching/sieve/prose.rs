//! How often bytes occur in texts, roughly, to tell which part of a word is rare.

/// Bytes by how many of 1,000 they are in English prose and code, upper case counted
/// as lower.
const COMMON: [(u16, &[u8]); 9] = [
    (160, b" "),
    (90, b"eE"),
    (60, b"taoinsTAOINS"),
    (45, b"rR"),
    (30, b"lcdhuLCDHU"),
    (16, b"mpfgMPFG\n"),
    (10, b"wbyvWBYV.,-_\"'/"),
    (5, b"kK()=:;0123456789"),
    // Where a letter of another script begins.
    (20, b"\xc3\xd0\xd1\xe3\xe4\xe5\xe6\xe7\xe8\xe9"),
];

/// The same by byte, and 2 for any other.
static SHARES: [u16; 256] = {
    let mut shares = [2; 256];
    let mut at = 0;
    while at < COMMON.len() {
        let (share, mut bytes) = COMMON[at];
        while let [byte, rest @ ..] = bytes {
            shares[*byte as usize] = share;
            bytes = rest;
        }
        at += 1;
    }
    shares
};

/// Where in a word the piece of this length begins whose grams are rarest.
pub(super) fn rarest(word: &[u8], piece: usize, gram: usize) -> usize {
    let share = |gram: &[u8]| {
        let shares = gram
            .iter()
            .map(|byte| u64::from(SHARES[usize::from(*byte)]));
        // At most four factors, none above 160.
        shares.product::<u64>()
    };
    let grams: Vec<u64> = word.windows(gram).map(share).collect();
    let pieces = grams
        .windows(piece - gram + 1)
        .map(|grams| grams.iter().sum::<u64>());
    let rarest = pieces.enumerate().min_by_key(|(_, share)| *share);
    rarest.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::rarest;

    #[test]
    fn digits_and_rare_letters_are_taken_first() {
        for (word, piece) in [
            ("needle 123 in the hay", "e 123 i"),
            ("topic0x", "topic0x"),
            ("JavaScript", "JavaScr"),
            ("the quick test", "e quick"),
            ("請 refactor", "請 ref"),
        ] {
            let at = rarest(word.as_bytes(), 7, 4);
            assert_eq!(&word.as_bytes()[at..at + 7], piece.as_bytes(), "{word}");
        }
    }
}

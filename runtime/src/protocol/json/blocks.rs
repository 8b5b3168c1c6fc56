//! What stands in sixty-four bytes of a string at once, one bit for each byte.
//!
//! Escapes of prose are some forty bytes from one another: too near for a search
//! that begins anew behind each of them, and far enough that a look at every word
//! is too much. The bits of a block are made once and then taken one by one.

use wide::u8x16;

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 64;

/// The largest control character.
const CONTROL: u8 = 0x1f;

/// Where a string cannot go on as it is: at quotes, backslashes, control characters.
#[inline]
pub(super) fn specials(block: &[u8; BLOCK]) -> u64 {
    bits(block, |bytes| {
        let controls = bytes.min(u8x16::splat(CONTROL)).simd_eq(bytes);
        quote(bytes) | controls | backslash(bytes)
    })
}

/// Where an escape may begin.
#[inline]
pub(super) fn backslashes(block: &[u8; BLOCK]) -> u64 {
    bits(block, backslash)
}

/// Where a string may begin or end.
#[inline]
pub(super) fn quotes(block: &[u8; BLOCK]) -> u64 {
    bits(block, quote)
}

/// Where a list or an object opens, and where one closes, unless that is in a string.
#[inline]
pub(super) fn brackets(block: &[u8; BLOCK]) -> [u64; 2] {
    // Brackets of the two kinds differ in this bit alone.
    let is = |bytes: u8x16, byte| (bytes | u8x16::splat(0x20)).simd_eq(u8x16::splat(byte));
    [b'{', b'}'].map(|byte| bits(block, |bytes| is(bytes, byte)))
}

/// Whether a letter may hide here: in a byte that is not ASCII, or where a backslash stands
/// before `u` or `/`. The last byte only tells what follows the one before.
#[inline]
pub(super) fn may_hide(block: &[u8; BLOCK + 1]) -> bool {
    let is = |bytes: u8x16, byte| bytes.simd_eq(u8x16::splat(byte));
    let (here, _) = block.as_chunks();
    let (next, _) = block[1..].as_chunks();
    let found = here
        .iter()
        .zip(next)
        .map(|(here, next): (&[u8; 16], &[u8; 16])| {
            let (here, next) = (u8x16::new(*here), u8x16::new(*next));
            // The highest bit of a byte says that it is not ASCII.
            here | (backslash(here) & (is(next, b'u') | is(next, b'/')))
        });
    found
        .fold(u8x16::ZERO, |all, found| all | found)
        .to_bitmask()
        != 0
}

/// What is left of bits from this one on, which may be past the last.
#[inline]
pub(super) fn from(bits: u64, at: usize) -> u64 {
    match u32::try_from(at) {
        Ok(at) => bits & u64::MAX.checked_shl(at).unwrap_or(0),
        Err(_) => 0,
    }
}

#[inline]
fn quote(bytes: u8x16) -> u8x16 {
    bytes.simd_eq(u8x16::splat(b'"'))
}

#[inline]
fn backslash(bytes: u8x16) -> u8x16 {
    bytes.simd_eq(u8x16::splat(b'\\'))
}

#[inline]
fn bits(block: &[u8; BLOCK], is: impl Fn(u8x16) -> u8x16) -> u64 {
    let (quarters, _) = block.as_chunks();
    let bits = |quarter: &[u8; 16]| u64::from(is(u8x16::new(*quarter)).to_bitmask());
    quarters
        .iter()
        .rev()
        .fold(0, |all, quarter| all << 16 | bits(quarter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_bit() {
        for byte in 0..=u8::MAX {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                let bit = |is: bool| u64::from(is) << at;
                let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(specials(&block), bit(is_special), "{byte} at {at}");
                assert_eq!(backslashes(&block), bit(byte == b'\\'), "{byte} at {at}");
                assert_eq!(quotes(&block), bit(byte == b'"'), "{byte} at {at}");
                let kinds = ["{[", "}]"].map(|kind| bit(kind.as_bytes().contains(&byte)));
                assert_eq!(brackets(&block), kinds, "{byte} at {at}");
                let mut block = [b'a'; BLOCK + 1];
                block[at] = byte;
                assert_eq!(may_hide(&block), byte > 0x7f, "{byte} at {at}");
                block[at] = b'\\';
                block[at + 1] = byte;
                let is_other = byte == b'u' || byte == b'/';
                let is_read = byte > 0x7f && at + 1 < BLOCK;
                assert_eq!(may_hide(&block), is_other || is_read, "{byte} behind {at}");
            }
        }
    }

    #[test]
    fn bits_from_one_on_are_left() {
        assert_eq!(from(u64::MAX, 0), u64::MAX);
        assert_eq!(from(0b1011, 1), 0b1010);
        assert_eq!(from(u64::MAX, BLOCK - 1), 1 << (BLOCK - 1));
        assert_eq!(from(u64::MAX, BLOCK), 0);
        assert_eq!(from(u64::MAX, BLOCK + 5), 0);
    }
}

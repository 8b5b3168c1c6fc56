//! Which stretches of a text may hold a word, at a fraction of a nanosecond a byte.
//!
//! An automaton over many words takes some nanoseconds for every byte of a text,
//! nearly always to find that no word begins there. So of each word a piece is
//! chosen that texts seldom hold. A text is then sampled: of every few bytes one
//! gram is looked up in a table of the grams of all pieces, and only where it is
//! there, the piece around it is. What stands around a piece that was found is left
//! to the automaton, which so never reads more than the text, whatever the text.

mod prose;

use hashbrown::HashTable;

use super::stretches::Stretches;

/// The longest gram: what one load brings.
const GRAM: usize = 4;
/// Lengths of pieces. A word has a piece of the greatest length it allows; a longer
/// piece is sampled in greater steps.
const PIECES: [usize; 5] = [1, 2, 3, GRAM, 2 * GRAM - 1];
/// Sets bit 5 of each byte, so that ASCII letters are the same in either case. That
/// other bytes become the same too costs a look now and then, and misses nothing.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// Places in the table for each gram, so that few others meet one.
const SPARSE: usize = 32;
/// Samples that are looked up together: nearly always none of them is in the table.
const TOGETHER: usize = 4;
/// Places of the smallest and of the largest table, powers of two.
const PLACES: [usize; 2] = [1 << 12, 1 << 20];

/// What pieces of one length say about a text.
pub(super) struct Sieve {
    /// Bytes of a piece.
    piece: usize,
    table: Table,
    pieces: HashTable<Piece>,
}

/// A piece, and how far the words reach that are looked for by it.
struct Piece {
    bytes: u64,
    /// Bytes before it.
    before: usize,
    /// Bytes from its beginning on.
    behind: usize,
}

impl Sieve {
    /// For words none of which is empty; one for each length of pieces that occurs.
    pub(super) fn all_of(words: &[&[u8]]) -> Vec<Self> {
        let of = |piece: &usize| Self::of(*piece, words);
        PIECES.iter().filter_map(of).collect()
    }

    /// For those of the words that have pieces of this length; none where none has.
    fn of(piece: usize, words: &[&[u8]]) -> Option<Self> {
        let mut sieve = Self {
            piece,
            table: Table::with_places(PLACES[0]),
            pieces: HashTable::new(),
        };
        let mine =
            |word: &&&[u8]| PIECES.iter().rev().find(|it| **it <= word.len()) == Some(&piece);
        for word in words.iter().filter(mine) {
            sieve.add(word);
        }
        sieve.mark();
        (!sieve.pieces.is_empty()).then_some(sieve)
    }

    fn add(&mut self, word: &[u8]) {
        let before = prose::rarest(word, self.piece, self.gram());
        let bytes = self.folded(load(word, before));
        let behind = word.len() - before;
        let same = |known: &Piece| known.bytes == bytes;
        match self.pieces.find_mut(hash(bytes), same) {
            Some(known) => {
                known.before = known.before.max(before);
                known.behind = known.behind.max(behind);
            }
            None => {
                let piece = Piece {
                    bytes,
                    before,
                    behind,
                };
                let hash_of = |piece: &Piece| hash(piece.bytes);
                self.pieces.insert_unique(hash(bytes), piece, hash_of);
            }
        }
    }

    /// Fills the table.
    fn mark(&mut self) {
        let grams = self.pieces.len() * self.stride();
        let [least, most] = PLACES;
        self.table = Table::with_places((grams * SPARSE).clamp(least, most));
        for piece in &self.pieces {
            for offset in 0..self.stride() {
                self.table
                    .mark(self.gram_of(piece.bytes >> (8 * offset)), offset);
            }
        }
    }

    /// Adds stretches of the text that hold all its words which occur, until they are
    /// enough.
    pub(super) fn look(&self, text: &[u8], found: &mut Stretches) {
        match self.stride() {
            1 => {
                let windows = text.windows(2 * GRAM).step_by(TOGETHER);
                let grams = |bytes: &[u8]| {
                    let loaded = load(bytes, 0);
                    std::array::from_fn(|n| self.gram_of(loaded >> (8 * n)))
                };
                self.look_at(windows.map(grams), text, found);
            }
            _ => {
                let (pairs, _) = text.as_chunks();
                let grams = |pair: &[[u8; 2 * GRAM]; TOGETHER / 2]| {
                    let [first, second] = pair.map(|two| u64::from_le_bytes(two) | FOLD);
                    [first, first >> 32, second, second >> 32].map(low)
                };
                self.look_at(pairs.as_chunks().0.iter().map(grams), text, found);
            }
        }
    }

    /// `samples` are the grams of the text that are looked up, by four, as far as there are
    /// as many.
    fn look_at(
        &self,
        samples: impl ExactSizeIterator<Item = [u32; TOGETHER]>,
        text: &[u8],
        found: &mut Stretches,
    ) {
        let (table, stride) = (&self.table, self.stride());
        let step = stride * TOGETHER;
        let whole = samples.len() * step;
        for (n, grams) in samples.enumerate() {
            let offsets = grams.map(|gram| table.offsets(gram));
            if offsets == [0; TOGETHER] {
                continue;
            }
            for (nth, offsets) in offsets.into_iter().enumerate() {
                self.look_around(text, n * step + nth * stride, offsets, found);
            }
            if found.is_enough() {
                return;
            }
        }
        // Of the last ones, what is not there is zeros.
        for at in (whole..text.len()).step_by(stride) {
            let offsets = table.offsets(self.gram_of(load(text, at)));
            self.look_around(text, at, offsets, found);
        }
    }

    /// Adds what words can take of which a piece stands where the gram at `at` is at
    /// one of `offsets` of it.
    fn look_around(&self, text: &[u8], at: usize, mut offsets: u8, found: &mut Stretches) {
        while offsets != 0 {
            let offset = offsets.trailing_zeros() as usize;
            offsets &= offsets - 1;
            let Some(start) = at.checked_sub(offset) else {
                continue;
            };
            let bytes = self.folded(load(text, start));
            found.looked();
            if !self.may_be_piece(bytes, offset) {
                continue;
            }
            if let Some(piece) = self.pieces.find(hash(bytes), |piece| piece.bytes == bytes) {
                let end = start.saturating_add(piece.behind).min(text.len());
                found.push(start.saturating_sub(piece.before)..end);
            }
        }
    }

    /// Whether the gram of these bytes that is furthest from the one at `offset` is in the
    /// table too: chance put few there, and of those fewer beside another.
    fn may_be_piece(&self, bytes: u64, offset: usize) -> bool {
        let last = self.stride() - 1;
        let other = if offset * 2 > last { 0 } else { last };
        let gram = self.gram_of(bytes >> (8 * other));
        self.table.offsets(gram) >> other & 1 == 1
    }

    /// Bytes of a gram.
    fn gram(&self) -> usize {
        self.piece.min(GRAM)
    }

    /// Bytes from one sample to the next, one or those of a gram: whatever a piece's
    /// place in the text, one of its grams is a sample.
    fn stride(&self) -> usize {
        self.piece - self.gram() + 1
    }

    /// The first gram of what was loaded, as grams are kept.
    fn gram_of(&self, loaded: u64) -> u32 {
        low(loaded | FOLD) & (u32::MAX >> (8 * (GRAM - self.gram())))
    }

    /// The bytes of a piece, as pieces are kept.
    fn folded(&self, loaded: u64) -> u64 {
        (loaded | FOLD) & (u64::MAX >> (8 * (8 - self.piece)))
    }
}

/// Eight bytes of a text, zeros where it has none.
fn load(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest
            .iter()
            .rev()
            .fold(0, |loaded, byte| loaded << 8 | u64::from(*byte)),
    }
}

/// The first bytes of what was loaded.
#[expect(clippy::cast_possible_truncation, reason = "a gram is what is left")]
fn low(loaded: u64) -> u32 {
    loaded as u32
}

/// At which offsets of pieces the grams stand that share a place, one bit each.
struct Table {
    places: Vec<u8>,
    /// What of a product is no place.
    shift: u32,
}

impl Table {
    /// With at least as many places, which have to be more than one.
    fn with_places(places: usize) -> Self {
        let places = vec![0; places.next_power_of_two()];
        let shift = u32::BITS - places.len().trailing_zeros();
        Self { places, shift }
    }

    fn mark(&mut self, gram: u32, offset: usize) {
        let place = self.place(gram);
        self.places[place] |= 1 << offset;
    }

    /// At which offsets of pieces a gram may stand.
    fn offsets(&self, gram: u32) -> u8 {
        self.places.get(self.place(gram)).copied().unwrap_or(0)
    }

    /// The high bits of the product depend on every bit of the gram (Fibonacci hashing).
    fn place(&self, gram: u32) -> usize {
        (gram.wrapping_mul(0x9e37_79b9) >> self.shift) as usize
    }
}

/// Of a piece. It is not seeded by chance, which this crate does not know; pieces are
/// of the plan's author, so nobody can make them collide to anybody's harm but theirs.
fn hash(bytes: u64) -> u64 {
    let wide = u128::from(bytes) * 0x9e37_79b9_7f4a_7c15;
    let (low, high) = (wide as u64, (wide >> 64) as u64);
    low ^ high
}

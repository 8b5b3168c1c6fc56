//! The end of what passed, in which something may begin that goes on in the next piece.

/// Most bytes that are carried.
const MOST: usize = 8;

/// The last `N` bytes, eight at most, or as many as there were.
#[derive(Debug)]
pub(crate) struct Carried<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Default for Carried<N> {
    fn default() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }
}

impl<const N: usize> Carried<N> {
    /// Where something stands that began before `chunk`, counted from what is carried,
    /// and how many bytes that are. `find` is shown both ends.
    pub(crate) fn find(
        &self,
        chunk: &[u8],
        find: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> Option<(usize, usize)> {
        const { assert!(N <= MOST) };
        if self.length == 0 {
            return None;
        }
        let begin = &chunk[..chunk.len().min(N)];
        let mut joint = [0; 2 * MOST];
        let joint = &mut joint[..self.length + begin.len()];
        joint[..self.length].copy_from_slice(&self.bytes[..self.length]);
        joint[self.length..].copy_from_slice(begin);
        find(joint).map(|at| (at, self.length))
    }

    /// Goes on behind a chunk.
    pub(crate) fn passes(&mut self, chunk: &[u8]) {
        let new = &chunk[chunk.len().saturating_sub(N)..];
        let kept = self.length.min(N - new.len());
        self.bytes.copy_within(self.length - kept..self.length, 0);
        self.bytes[kept..kept + new.len()].copy_from_slice(new);
        self.length = kept + new.len();
    }
}

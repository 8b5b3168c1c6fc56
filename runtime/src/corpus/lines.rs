//! The lines of a stream, one at a time, in a room that does not grow with it.

use std::io::{self, BufRead};

/// Bytes of the longest line that is handed over.
pub const LONGEST: usize = 16 << 20;

/// What comes next in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'l> {
    /// A line, with its line break where it has one.
    Line(&'l [u8]),
    /// A line that is longer than [`LONGEST`], which was passed over.
    TooLong,
}

/// Hands over the lines of a stream in their order.
///
/// # Errors
/// As the stream says.
pub fn each_line(reader: &mut dyn BufRead, mut take: impl FnMut(Piece<'_>)) -> io::Result<()> {
    let mut begun: Vec<u8> = Vec::new();
    let mut is_too_long = false;
    loop {
        let chunk = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', chunk).map(|at| at + 1);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let used = part.len();
        match (end.is_some(), begun.is_empty() && !is_too_long) {
            // The usual case: a whole line lies in the reader's own room.
            (true, true) => take(Piece::Line(part)),
            _ => {
                is_too_long |= begun.len() + part.len() > LONGEST;
                match is_too_long {
                    true => begun = Vec::new(),
                    false => begun.extend_from_slice(part),
                }
                if end.is_some() {
                    take(match is_too_long {
                        true => Piece::TooLong,
                        false => Piece::Line(&begun),
                    });
                    begun.clear();
                    is_too_long = false;
                }
            }
        }
        reader.consume(used);
    }
    if is_too_long {
        take(Piece::TooLong);
    } else if !begun.is_empty() {
        take(Piece::Line(&begun));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &[u8], room: usize) -> Vec<Option<usize>> {
        let mut found = Vec::new();
        let mut reader = BufReader::with_capacity(room, text);
        let taken = each_line(&mut reader, |piece| {
            found.push(match piece {
                Piece::Line(line) => Some(line.len()),
                Piece::TooLong => None,
            });
        });
        assert!(taken.is_ok());
        found
    }

    #[test]
    fn lines_are_whole_in_any_room() {
        for room in [1, 2, 3, 7, 64] {
            assert_eq!(lines(b"ab\n\ncde", room), [Some(3), Some(1), Some(3)]);
            assert_eq!(lines(b"", room), []);
        }
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut text = vec![b'x'; LONGEST + 1];
        text.extend_from_slice(b"\nok\n");
        assert_eq!(lines(&text, 1 << 16), [None, Some(3)]);
        assert_eq!(lines(&text[..=LONGEST], 1 << 16), [None]);
    }
}

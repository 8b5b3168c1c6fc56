//! Corpora as they come: lines of any length from a stream, and what other
//! programs keep of requests.

mod import;
mod lines;

pub use import::{Imported, Importer, Kind};
pub use lines::{LONGEST, Piece, each_line};

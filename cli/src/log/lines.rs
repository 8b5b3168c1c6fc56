//! Log lines gathered and written by a thread of their own.
//!
//! One write a line costs a request more than everything the proxy decides
//! about it (and wakes whoever reads the other end). Here a line is appended to
//! a buffer, and the thread writes what has gathered every few milliseconds.
//! When the reader is slower than the lines come, lines are dropped and their
//! number is written, since a log must not stop the traffic it tells of.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait to be written.
const BACKLOG: usize = 4 << 20;
/// How long lines gather.
const GATHER: Duration = Duration::from_millis(5);
/// How long the last lines may take to be written.
const LAST: Duration = Duration::from_secs(1);

/// Where lines are appended. Clones append to the same buffer.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    ended: bool,
}

/// Writes what is left when it is dropped, as far as it is taken within a second: whoever
/// does not read the log must not keep the process from ending.
pub(crate) struct Flush {
    shared: Arc<Shared>,
    /// Closed when the thread has ended, in whatever way.
    over: Receiver<()>,
}

impl Lines {
    /// Begins to write lines to `out`, until the [`Flush`] is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn begin(out: impl Write + Send + 'static) -> io::Result<(Self, Flush)> {
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        let (ends, over) = mpsc::channel();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                let _ends = ends;
                write(&writing, out);
            })?;
        Ok((Self(Arc::clone(&shared)), Flush { shared, over }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // The buffer is whole after every statement, whatever panicked elsewhere.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        // Nothing is ever sent: it is closed, or this takes too long.
        let _ = self.over.recv_timeout(LAST);
    }
}

/// Takes what has gathered and writes it, until the end was said and all is written.
fn write(shared: &Shared, mut out: impl Write) {
    let mut taken = Vec::new();
    loop {
        let mut waiting = shared.lock();
        while waiting.bytes.is_empty() && !waiting.ended {
            waiting = shared
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.ended {
            drop(waiting);
            std::thread::sleep(GATHER);
            waiting = shared.lock();
        }
        let ended = waiting.ended;
        let dropped = std::mem::take(&mut waiting.dropped);
        std::mem::swap(&mut taken, &mut waiting.bytes);
        drop(waiting);
        // Nobody is left to tell when the log itself cannot be written.
        let _ = out.write_all(&taken);
        if dropped > 0 {
            let _ = writeln!(
                out,
                "{dropped} log lines were dropped: the log is read too slowly"
            );
        }
        let _ = out.flush();
        taken.clear();
        if ended {
            return;
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

/// Appends one line.
pub(super) struct Line<'a>(&'a Shared);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > BACKLOG {
            waiting.dropped += 1;
        } else {
            let was_empty = waiting.bytes.is_empty();
            waiting.bytes.extend_from_slice(line);
            drop(waiting);
            if was_empty {
                self.0.changed.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pipe(mpsc::Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_in_order_before_the_end() {
        let (sender, written) = mpsc::channel();
        let (lines, flush) = Lines::begin(Pipe(sender)).unwrap();
        for n in 0..1_000 {
            lines
                .make_writer()
                .write_all(format!("{n}\n").as_bytes())
                .unwrap();
        }
        drop(flush);
        let text = String::from_utf8(written.try_iter().flatten().collect()).unwrap();
        let wanted: String = (0..1_000).map(|n| format!("{n}\n")).collect();
        assert_eq!(text, wanted);
    }

    /// Takes nothing for as long as the test runs.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_does_not_keep_the_process() {
        let (reads, stuck) = mpsc::channel();
        let (lines, flush) = Lines::begin(Stuck(stuck)).unwrap();
        lines.make_writer().write_all(b"line\n").unwrap();
        let (ends, over) = mpsc::channel();
        std::thread::spawn(move || {
            drop(flush);
            ends.send(())
        });
        let ended = over.recv_timeout(30 * LAST);
        drop(reads);
        assert_eq!(ended, Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (sender, written) = mpsc::channel();
        let (lines, flush) = Lines::begin(Pipe(sender)).unwrap();
        assert_eq!(
            lines.make_writer().write(&vec![b'x'; BACKLOG + 1]).unwrap(),
            BACKLOG + 1
        );
        lines.make_writer().write_all(b"next\n").unwrap();
        drop(flush);
        let text = String::from_utf8(written.try_iter().flatten().collect()).unwrap();
        assert_eq!(
            text,
            "next\n1 log lines were dropped: the log is read too slowly\n"
        );
    }
}

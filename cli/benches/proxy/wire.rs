//! HTTP/1.1 as lean as can be, for both ends of what is measured.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, and the message that was read last.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    end: usize,
}

impl Wire {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::new(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: Vec::with_capacity(8 << 10),
            head: 0,
            end: 0,
        }
    }

    /// Whether all of it was taken.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads a head; the message before it is forgotten. None at the end.
    pub(crate) async fn head(&mut self) -> Option<()> {
        self.buffer.drain(..self.end);
        (self.head, self.end) = (0, 0);
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                self.head = at + 4;
                self.end = self.head;
                return Some(());
            }
            self.read().await?;
        }
    }

    /// Reads a whole message, by length or in chunks.
    pub(crate) async fn message(&mut self) -> Option<()> {
        self.head().await?;
        match header(self.head_text(), "content-length").and_then(|value| value.parse().ok()) {
            Some(length) => {
                let length: usize = length;
                self.end = self.head + length;
                self.buffer
                    .reserve(self.end.saturating_sub(self.buffer.len()));
                while self.buffer.len() < self.end {
                    self.read().await?;
                }
            }
            // Nobody pipelines here, so the last chunk is the end of what came.
            None if header(self.head_text(), "transfer-encoding").is_some() => {
                while !self.buffer[self.head..].ends_with(b"0\r\n\r\n") {
                    self.read().await?;
                }
                self.end = self.buffer.len();
            }
            None => {}
        }
        Some(())
    }

    /// Reads until there is something after the head.
    pub(crate) async fn first_byte(&mut self) -> Option<()> {
        while self.buffer.len() == self.head {
            self.read().await?;
        }
        Some(())
    }

    /// Reads the rest of a message in chunks whose head was read.
    pub(crate) async fn last_chunk(&mut self) -> Option<()> {
        while !self.buffer[self.head..].ends_with(b"0\r\n\r\n") {
            self.read().await?;
        }
        self.end = self.buffer.len();
        Some(())
    }

    pub(crate) fn head_text(&self) -> &str {
        std::str::from_utf8(&self.buffer[..self.head]).unwrap_or_default()
    }

    /// As it came: chunks are not taken apart.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.end]
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.head_text().get(8..12) == Some(" 200")
    }

    async fn read(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.ok()?;
        (read > 0).then_some(())
    }
}

/// The value of a header.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

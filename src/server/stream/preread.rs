use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::{BoxStream, Stream};

/// A stream whose first bytes were inspected, and are read again.
pub(in crate::server) struct Preread {
    /// Bytes that were read ahead and not returned yet.
    begun: Vec<u8>,
    stream: BoxStream,
}

impl Preread {
    pub(in crate::server) fn new(stream: BoxStream, capacity: usize) -> Self {
        let begun = Vec::with_capacity(capacity);
        Self { begun, stream }
    }

    /// The bytes read so far.
    pub(in crate::server) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// Reads more, up to `upto` bytes in all; false at the end.
    pub(in crate::server) async fn read_on(&mut self, upto: usize) -> Result<bool> {
        let missing = upto.saturating_sub(self.begun.len()) as u64;
        let mut stream = (&mut self.stream).take(missing);
        Ok(stream.read_buf(&mut self.begun).await? > 0)
    }
}

impl AsyncRead for Preread {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let here = self.begun.len().min(buf.remaining());
        buf.put_slice(&self.begun[..here]);
        self.begun.drain(..here);
        if self.begun.is_empty() {
            // It is never needed again.
            self.begun = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Preread {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Stream for Preread {
    fn reset_when_dropped(&self) {
        self.stream.reset_when_dropped();
    }
}

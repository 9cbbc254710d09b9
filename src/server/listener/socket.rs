use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::stream::Stream;
use crate::server::uptake::Uptake;

/// The lowest layer of a connection, which reports whether its client takes bytes.
///
/// TLS accepts bytes that the client does not take, so only this layer can see it.
pub(in crate::server) struct Socket<S: Stream> {
    stream: S,
    uptake: Uptake,
    is_stalled: bool,
}

impl<S: Stream> Socket<S> {
    pub(in crate::server) fn new(stream: S, uptake: Uptake) -> Self {
        Self {
            stream,
            uptake,
            is_stalled: false,
        }
    }

    /// Only changes are reported, so a client that reads costs nothing.
    fn watch(&mut self, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match (&written, self.is_stalled) {
            (Poll::Pending, false) => self.uptake.stalls(),
            (Poll::Ready(_), true) => self.uptake.goes_on(),
            _ => {}
        }
        self.is_stalled = written.is_pending();
        written
    }
}

impl<S: Stream> Drop for Socket<S> {
    /// A connection that ends while its client is stalled is reset. A reset says that the response
    /// is incomplete, where a normal close might look like its end. And the system need not keep
    /// the unread bytes of a client that does not read.
    fn drop(&mut self) {
        if self.is_stalled {
            self.stream.reset_when_dropped();
        }
    }
}

impl<S: Stream> Stream for Socket<S> {}

impl<S: Stream> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Stream> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// A socket has nothing to flush, so this shows nothing about its client.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

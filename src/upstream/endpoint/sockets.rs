//! Limits the open connections to upstreams. Each takes a file descriptor here, and one of the
//! connections that the upstream accepts.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::wire::Peek;

/// The connections that one address may have, and all together. Clones count together.
#[derive(Clone)]
pub(in crate::upstream) struct Sockets {
    of_one: Arc<Semaphore>,
    of_all: Arc<Semaphore>,
}

/// The right to open one connection.
pub(in crate::upstream) struct Socket {
    _of_one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// A connection that is counted while it is open, whatever it carries: a WebSocket outlives the
/// exchange that it began with.
pub(in crate::upstream) struct Counted<S> {
    stream: S,
    _socket: Socket,
}

impl Sockets {
    pub(in crate::upstream) fn new(of_one: usize, of_all: Arc<Semaphore>) -> Self {
        let of_one = Arc::new(Semaphore::new(of_one));
        Self { of_one, of_all }
    }

    pub(in crate::upstream) fn take_now(&self) -> Option<Socket> {
        Some(Socket {
            _of_one: Arc::clone(&self.of_one).try_acquire_owned().ok()?,
            _of_all: Arc::clone(&self.of_all).try_acquire_owned().ok()?,
        })
    }

    /// Waits until another connection is closed.
    pub(in crate::upstream) async fn take(&self) -> Socket {
        let of_one = Arc::clone(&self.of_one).acquire_owned().await;
        let of_all = Arc::clone(&self.of_all).acquire_owned().await;
        Socket {
            _of_one: of_one.expect("the semaphore is never closed"),
            _of_all: of_all.expect("the semaphore is never closed"),
        }
    }
}

impl Socket {
    pub(in crate::upstream) fn of<S>(self, stream: S) -> Counted<S> {
        Counted {
            stream,
            _socket: self,
        }
    }
}

impl<S: Peek> Peek for Counted<S> {
    fn has_input(&self) -> bool {
        self.stream.has_input()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
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

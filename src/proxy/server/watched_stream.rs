//! Tells what the client of a connection does, byte by byte.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::connections::Place;
use super::stream::BoxStream;

/// A connection, its place among the others and what is known about it. It takes the place along
/// when it becomes something else than HTTP.
pub(super) struct WatchedStream {
    stream: BoxStream,
    activity: Arc<Activity>,
    is_stalled: bool,
    _place: Place,
}

impl WatchedStream {
    pub(super) fn new(stream: BoxStream, activity: Arc<Activity>, place: Place) -> Self {
        Self {
            stream,
            activity,
            is_stalled: false,
            _place: place,
        }
    }

    /// Only changes are told, so that a client that reads costs nothing.
    fn watch<T>(&mut self, written: Poll<T>) -> Poll<T> {
        match (&written, self.is_stalled) {
            (Poll::Pending, false) => self.activity.client_takes_nothing(),
            (Poll::Ready(_), true) => self.activity.client_takes(),
            _ => {}
        }
        self.is_stalled = written.is_pending();
        written
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedStream {
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

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(closed)
    }
}

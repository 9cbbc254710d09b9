use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::BoxStream;
use crate::server::connection::activity::Activity;
use crate::server::connections::ConnectionSlot;

/// The bytes of HTTP and the slot of their connection. An upgrade to another protocol keeps the
/// slot.
pub(in crate::server) struct WatchedStream {
    stream: BoxStream,
    activity: Arc<Activity>,
    /// The bytes read since other connections had their turn.
    turn_bytes: usize,
    _place: ConnectionSlot,
}

impl WatchedStream {
    pub(in crate::server) fn new(
        stream: BoxStream,
        activity: Arc<Activity>,
        place: ConnectionSlot,
    ) -> Self {
        Self {
            stream,
            activity,
            turn_bytes: 0,
            _place: place,
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.turn_bytes >= TURN_BYTES {
            self.turn_bytes = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        if read > 0 {
            self.turn_bytes += read;
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

/// How much is read of one connection before others have their turn. h2 handles all frames that
/// have arrived. As many small ones as the system buffers would delay other connections for too
/// long.
const TURN_BYTES: usize = 16 * 1024;

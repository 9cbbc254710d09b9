//! Closes a connection so that its last response can be read.
//!
//! A refused client may still be sending its body. Closing a socket with unread bytes resets it.
//! Many clients see the reset before the response, and report a broken connection instead of what
//! we said (RFC 9112 §9.6).

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::server::connection::activity::Activity;

/// A connection that reads on for a while after its last response, if the last request had a body.
/// The head timeout bounds this reading, so that a client cannot prolong it.
pub(in crate::server) struct Lingering<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Made after the last response.
    clock: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    pub(in crate::server) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            clock: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
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

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.clock.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.activity.may_send_body() {
                return Poll::Ready(Ok(()));
            }
        }
        let clock = this.clock.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        let mut scrap = [0; 4096];
        loop {
            let mut scrap = ReadBuf::new(&mut scrap);
            let read = Pin::new(&mut this.stream).poll_read(cx, &mut scrap);
            match read.map_ok(|()| scrap.filled().len()) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => clock.as_mut().reset(Instant::now() + PATIENCE),
                Poll::Pending => return clock.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

/// Without a byte; as in nginx.
const PATIENCE: Duration = Duration::from_secs(5);

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// The bytes of an upstream connection, with checks that hyper does not do.
///
/// 1. A connection with unsolicited bytes is not used again. hyper checks for them only when the
///    runtime has reported them, which may be too late: the next request would then get the rest of
///    the previous response.
/// 2. Interim responses (RFC 9110 §15.2) have a bound. hyper parses any number of them without
///    yielding.
pub(in crate::upstream) struct Wire<S> {
    stream: S,
    watch: Arc<Watch>,
    /// The bytes read since other tasks had their turn.
    turn_bytes: usize,
}

/// The state that senders of requests share with the [`Wire`] below hyper.
#[derive(Debug)]
pub(in crate::upstream) struct Watch {
    is_next_checked: AtomicBool,
    /// How many bytes may still be read before a response or a piece of a body; the largest number
    /// means no limit.
    allowance: AtomicUsize,
    most: usize,
}

/// A stream that knows of arrived bytes without the runtime.
pub(in crate::upstream) trait Peek:
    AsyncRead + AsyncWrite + Send + Unpin + 'static
{
    /// Returns whether there is something to read, or the end.
    fn has_input(&self) -> bool;
}

impl Watch {
    /// For a connection that may read this many bytes without a response.
    pub(in crate::upstream) fn new(most: usize) -> Self {
        Self {
            is_next_checked: AtomicBool::new(false),
            allowance: AtomicUsize::new(most),
            most,
        }
    }

    /// Call this before a request goes to a connection that `was_used`.
    pub(in crate::upstream) fn begin(&self, was_used: bool) {
        self.allowance.store(self.most, Ordering::Relaxed);
        self.is_next_checked.store(was_used, Ordering::Relaxed);
    }

    /// Starts the count again: an expected message has arrived.
    pub(in crate::upstream) fn progressed(&self) {
        self.allowance.store(self.most, Ordering::Relaxed);
    }

    /// Stops counting: the rest is a body, or another protocol.
    pub(in crate::upstream) fn answered(&self) {
        self.allowance.store(usize::MAX, Ordering::Relaxed);
    }

    /// Allows as many bytes as were written: each piece sent may be acknowledged.
    fn earn(&self, bytes: usize) {
        let left = self.allowance.load(Ordering::Relaxed);
        if left < self.most {
            let left = left.saturating_add(bytes).min(self.most);
            self.allowance.store(left, Ordering::Relaxed);
        }
    }

    fn is_counting(&self) -> bool {
        self.allowance.load(Ordering::Relaxed) != usize::MAX
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.allowance.load(Ordering::Relaxed);
        if left == usize::MAX {
            return Ok(());
        }
        let left = left.checked_sub(bytes);
        let left = left.ok_or_else(|| io::Error::other(Unasked::Endless))?;
        self.allowance.store(left, Ordering::Relaxed);
        Ok(())
    }
}

impl<S> Wire<S> {
    pub(in crate::upstream) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self {
            stream,
            watch,
            turn_bytes: 0,
        }
    }
}

impl<S: Peek> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.turn_bytes >= TURN_BYTES && this.watch.is_counting() {
            this.turn_bytes = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let is_checked = this.watch.is_next_checked.swap(false, Ordering::Relaxed);
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if polled.is_pending() {
            this.turn_bytes = 0;
            if is_checked && this.stream.has_input() {
                return Poll::Ready(Err(io::Error::other(Unasked::BeforeRequest)));
            }
        }
        ready!(polled)?;
        let read = buf.filled().len() - before;
        this.turn_bytes += read;
        Poll::Ready(this.watch.spend(read))
    }
}

impl<S: Peek> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.watch.earn(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.watch.earn(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Peek for TcpStream {
    fn has_input(&self) -> bool {
        has_input(&SockRef::from(self))
    }
}

impl Peek for UnixStream {
    fn has_input(&self) -> bool {
        has_input(&SockRef::from(self))
    }
}

/// The bytes may be only a ticket for the next handshake (RFC 8446 §4.6.1). Another connection
/// costs less than finding out.
impl Peek for TlsStream<TcpStream> {
    fn has_input(&self) -> bool {
        self.get_ref().0.has_input()
    }
}

fn has_input(socket: &SockRef<'_>) -> bool {
    match socket.peek(&mut [MaybeUninit::uninit()]) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Why the bytes on a connection make it unusable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::upstream) enum Unasked {
    /// There were bytes, or the end, before there was a request.
    BeforeRequest,
    /// Too many bytes arrived without a response.
    Endless,
}

impl Unasked {
    /// Finds it in an I/O error that it caused.
    pub(in crate::upstream) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeRequest => "the upstream sent something before it was asked",
            Self::Endless => "too many interim responses, or too long a head",
        })
    }
}

impl std::error::Error for Unasked {}

/// How much is read of one connection before others have their turn, except bodies.
const TURN_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream as StdUnixStream;

    use tokio::io::{AsyncReadExt, AsyncWriteExt as _, DuplexStream};

    use super::*;

    impl Peek for DuplexStream {
        fn has_input(&self) -> bool {
            false
        }
    }

    fn pair() -> (UnixStream, StdUnixStream) {
        let (ours, theirs) = StdUnixStream::pair().expect("sockets");
        ours.set_nonblocking(true).expect("a socket");
        (UnixStream::from_std(ours).expect("a socket"), theirs)
    }

    /// The runtime learns of bytes only when it has no other work.
    #[tokio::test]
    async fn bytes_that_the_runtime_does_not_know_of_are_seen() {
        for (bytes, is_seen) in [(&b""[..], false), (b"x", true), (b"HTTP/1.1 200", true)] {
            let (ours, mut theirs) = pair();
            theirs.write_all(bytes).expect("a socket");
            assert_eq!(ours.has_input(), is_seen, "{bytes:?}");
        }
        let (ours, theirs) = pair();
        drop(theirs);
        assert!(ours.has_input(), "an end is something as well");
    }

    #[tokio::test]
    async fn only_the_first_read_after_a_request_was_handed_over_is_checked() {
        let watch = Arc::new(Watch::new(usize::MAX - 1));
        let (ours, mut theirs) = pair();
        let mut wire = Wire::new(ours, Arc::clone(&watch));
        let read = |wire: &mut Wire<UnixStream>| {
            let mut bytes = [0; 8];
            let mut buf = ReadBuf::new(&mut bytes);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            Pin::new(wire).poll_read(&mut cx, &mut buf)
        };
        assert!(read(&mut wire).is_pending());
        theirs.write_all(b"x").expect("a socket");
        watch.begin(false);
        assert!(read(&mut wire).is_pending(), "a new connection");
        watch.begin(true);
        let Poll::Ready(Err(error)) = read(&mut wire) else {
            panic!("it is not noticed");
        };
        assert_eq!(Unasked::of(&error), Some(Unasked::BeforeRequest));
        assert!(read(&mut wire).is_pending(), "it was checked");
    }

    #[tokio::test]
    async fn what_is_no_response_has_a_bound_and_what_is_has_none() {
        let watch = Arc::new(Watch::new(10));
        let (ours, mut theirs) = pair();
        let mut wire = Wire::new(ours, Arc::clone(&watch));
        let mut take = async |bytes: usize| {
            theirs.write_all(&vec![b'x'; bytes]).expect("a socket");
            wire.write_all(b"abc").await.expect("a socket");
            wire.read_exact(&mut vec![0; bytes]).await
        };
        take(10).await.expect("as much as may be");
        take(3).await.expect("as much as was written");
        watch.begin(false);
        take(10).await.expect("a new request");
        watch.progressed();
        take(10).await.expect("a new beginning");
        watch.answered();
        take(100_000).await.expect("a body");
        watch.begin(false);
        let error = take(11).await.expect_err("too much");
        assert_eq!(Unasked::of(&error), Some(Unasked::Endless));
    }
}

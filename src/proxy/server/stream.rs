use tokio::io::{AsyncRead, AsyncWrite};

/// The bytes of one connection, whatever carries them.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One indirection for each read and write, so that nothing above is compiled once for TCP, once
/// for Unix sockets and again for TLS over each.
pub(super) type BoxStream = Box<dyn Stream>;

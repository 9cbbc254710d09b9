use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::io::AsyncWrite;

use crate::server::refusal::Unreadable;

/// A response that is written in place of hyper's own.
pub(super) struct Answer {
    bytes: Vec<u8>,
    written: usize,
}

impl Answer {
    /// Serialises `response`, with the date of hyper's own `answer`.
    pub(super) fn new(response: Response<Bytes>, answer: &[u8]) -> Self {
        let (head, body) = response.into_parts();
        let reason = head.status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
        for (name, value) in &head.headers {
            let name = name.as_str().as_bytes();
            bytes.extend([name, b": ", value.as_bytes(), b"\r\n"].concat());
        }
        for date in lines(answer).filter(|line| line.starts_with(b"date: ")) {
            bytes.extend([date, b"\r\n"].concat());
        }
        let length = body.len();
        let end = format!("content-length: {length}\r\nconnection: close\r\n\r\n");
        bytes.extend([end.as_bytes(), &body].concat());
        Self { bytes, written: 0 }
    }

    /// Writes all that is left.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut stream: Pin<&mut impl AsyncWrite>,
    ) -> Poll<Result<()>> {
        while let left @ [_, ..] = &self.bytes[self.written..] {
            match ready!(stream.as_mut().poll_write(cx, left))? {
                0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads from hyper's own `answer` why the request was refused; it holds only a status.
pub(super) fn told_by(answer: &[u8]) -> Unreadable {
    let status = answer
        .get(9..12)
        .and_then(|s| StatusCode::from_bytes(s).ok());
    match status {
        Some(StatusCode::URI_TOO_LONG) => Unreadable::TargetTooLong,
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => Unreadable::HeadTooLarge,
        _ => Unreadable::Malformed,
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|&b| b == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

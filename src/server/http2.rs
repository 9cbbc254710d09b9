//! What h2 refuses by itself, recognised by the frames that it writes.
//!
//! For a malformed request, h2 resets the stream, or answers 431, or ends the connection, and calls
//! no service. The client then learns it by RFC 9113's own means (§8.1.1). A response in place of a
//! reset would have to bypass h2, which keeps the table of compressed fields and the windows.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::peer::Peer;
use super::refusal::{Unreadable, UnreadableHandler};

/// A stream of frames; those that we write are inspected.
pub(super) struct Frames<S> {
    stream: S,
    written: Written,
    peer: Peer,
    refusals: UnreadableHandler,
}

/// The parse state of the frames written so far.
#[derive(Default)]
struct Written {
    /// The bytes of the frame head so far.
    head: Vec<u8>,
    /// The bytes of its payload that matter.
    payload: Vec<u8>,
    payload_left: usize,
    /// The streams with a response that has begun and not ended.
    answering: Vec<u32>,
    /// The last stream that was refused by a status.
    refused: u32,
}

impl<S> Frames<S> {
    pub(super) fn new(stream: S, peer: Peer, refusals: UnreadableHandler) -> Self {
        Self {
            stream,
            written: Written::default(),
            peer,
            refusals,
        }
    }

    fn saw(&mut self, bytes: &[u8]) {
        let (peer, refusals) = (self.peer, &self.refusals);
        self.written.go_over(bytes, &mut |unreadable| {
            refusals.refuse(peer, unreadable);
        });
    }
}

impl Written {
    fn go_over(&mut self, mut bytes: &[u8], refused: &mut impl FnMut(Unreadable)) {
        while !bytes.is_empty() {
            if self.head.len() < HEAD_BYTES {
                let here = bytes.len().min(HEAD_BYTES - self.head.len());
                self.head.extend_from_slice(&bytes[..here]);
                bytes = &bytes[here..];
                if self.head.len() < HEAD_BYTES {
                    return;
                }
                self.payload_left = number(&self.head[..3]) as usize;
            }
            let here = bytes.len().min(self.payload_left);
            let matters = here.min(PAYLOAD_BYTES - self.payload.len());
            self.payload.extend_from_slice(&bytes[..matters]);
            self.payload_left -= here;
            bytes = &bytes[here..];
            if self.payload_left == 0 {
                self.frame().into_iter().for_each(&mut *refused);
                self.head.clear();
                self.payload.clear();
            }
        }
    }

    /// Records a whole frame, and returns the refusal of a request that it reveals.
    fn frame(&mut self) -> Option<Unreadable> {
        let (kind, flags) = (self.head[3], self.head[4]);
        let stream = number(&self.head[5..]);
        let is_end = flags & END_STREAM != 0;
        match kind {
            HEADERS if is_end && self.is_status_alone() => {
                self.refused = stream;
                return Some(Unreadable::HeadTooLarge);
            }
            HEADERS if !is_end => self.begins(stream),
            DATA | HEADERS if is_end => {
                self.ends(stream);
            }
            RST_STREAM => {
                let is_answer = self.ends(stream) || self.refused == stream;
                if !is_answer && number(&self.payload) == PROTOCOL_ERROR {
                    return Some(Unreadable::Malformed);
                }
            }
            GOAWAY => {
                let code = self.payload.get(4..).map_or(0, number);
                return MALFORMED.contains(&code).then_some(Unreadable::Malformed);
            }
            _ => {}
        }
        None
    }

    fn begins(&mut self, stream: u32) {
        if !self.answering.contains(&stream) {
            self.answering.push(stream);
        }
    }

    fn ends(&mut self, stream: u32) -> bool {
        let at = self.answering.iter().position(|one| *one == stream);
        at.map(|at| self.answering.swap_remove(at)).is_some()
    }

    /// Whether a head has one field, indexed or a literal (RFC 7541 §6), like h2's own response. A
    /// response of a service has at least a date as well.
    fn is_status_alone(&self) -> bool {
        match *self.payload {
            [field] => field & 0x80 != 0,
            [name, length, ..] => {
                let length = usize::from(length & 0x7f);
                name & 0x80 == 0 && number(&self.head[..3]) as usize == 2 + length
            }
            [] => false,
        }
    }
}

/// RFC 9113 §4.1: numbers are in network order.
fn number(bytes: &[u8]) -> u32 {
    let bytes = bytes.iter();
    bytes.fold(0, |number, &b| (number << 8) | u32::from(b))
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = written {
            this.saw(&bytes[..written]);
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(mut left)) = written {
            for slice in slices {
                let here = slice.len().min(left);
                this.saw(&slice[..here]);
                left -= here;
            }
        }
        written
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

/// RFC 9113 §4.1.
const HEAD_BYTES: usize = 9;

/// Enough for the error code of a GOAWAY (§6.8).
const PAYLOAD_BYTES: usize = 8;

/// §6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;

/// §7.
const PROTOCOL_ERROR: u32 = 1;

/// Protocol, flow control, closed stream, frame size and compression errors. Floods end with other
/// codes, and are not requests.
const MALFORMED: [u32; 5] = [PROTOCOL_ERROR, 3, 5, 6, 9];

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = stream.to_be_bytes();
        [&length[1..], &[kind, flags], &stream, payload].concat()
    }

    fn reset(stream: u32, code: u8) -> Vec<u8> {
        frame(RST_STREAM, 0, stream, &[0, 0, 0, code])
    }

    fn told(frames: &[Vec<u8>], piece: usize) -> Vec<Unreadable> {
        let (mut written, mut told) = (Written::default(), Vec::new());
        for piece in frames.concat().chunks(piece) {
            written.go_over(piece, &mut |unreadable| told.push(unreadable));
        }
        told
    }

    #[test]
    fn what_h2_refuses_is_told_however_it_is_written() {
        use Unreadable::{HeadTooLarge, Malformed};
        let answer = |stream| frame(HEADERS, 4, stream, b"\x88\x61\x01x");
        let goaway = |code| frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, code, b'x']);
        let literal = frame(HEADERS, 5, 1, b"\x48\x03431");
        let huffman = frame(HEADERS, 5, 1, b"\x48\x83\x68\xc9\x2f");
        for (frames, expected) in [
            (vec![reset(1, 1)], vec![Malformed]),
            (vec![reset(1, 1), reset(3, 1)], vec![Malformed, Malformed]),
            (vec![reset(1, 8), reset(3, 0), reset(5, 7)], vec![]),
            (vec![answer(1), reset(1, 1)], vec![]),
            (vec![answer(1), reset(3, 1)], vec![Malformed]),
            (
                vec![answer(1), frame(DATA, 1, 1, b"x"), reset(1, 1)],
                vec![Malformed],
            ),
            (vec![answer(1), frame(DATA, 0, 1, b""), reset(1, 1)], vec![]),
            (vec![literal], vec![HeadTooLarge]),
            (vec![huffman, reset(1, 1)], vec![HeadTooLarge]),
            (vec![frame(HEADERS, 5, 3, b"\xbe")], vec![HeadTooLarge]),
            (vec![frame(HEADERS, 5, 1, b"\x88\xbe")], vec![]),
            (vec![frame(HEADERS, 5, 1, b"\x48\x03431\xbe")], vec![]),
            (vec![goaway(0), goaway(11), goaway(2)], vec![]),
            (vec![goaway(1)], vec![Malformed]),
            (vec![goaway(9)], vec![Malformed]),
        ] {
            for piece in 1..=frames.concat().len() {
                assert_eq!(told(&frames, piece), expected, "{frames:?} {piece}");
            }
        }
    }
}

//! A client of HTTP/2 that sends what it is told, also what no client may.

use httlib_hpack::Decoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Stream;
use super::answer::{Answer, End};

/// A field, byte by byte as it is sent.
pub(crate) type Field = (Vec<u8>, Vec<u8>);

/// RFC 9113 §3.4, §6.5: the preface, and settings that change nothing.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const SETTINGS_ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// What every server takes (RFC 9113 §4.2).
const MAX_FRAME_BYTES: usize = 16_384;

/// RFC 9113 §4.1.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// HEADERS and as many CONTINUATION as it takes.
pub(crate) fn headers(stream: u32, fields: &[Field], is_end: bool) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(literal).collect();
    let mut bytes = Vec::new();
    let mut pieces = block.chunks(MAX_FRAME_BYTES).peekable();
    let mut kind = HEADERS;
    let mut flags = if is_end { END_STREAM } else { 0 };
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            flags |= END_HEADERS;
        }
        bytes.extend(frame(kind, flags, stream, piece));
        (kind, flags) = (CONTINUATION, 0);
    }
    bytes
}

/// DATA in as many frames as it takes; the window is up to the caller (RFC 9113 §6.9.2).
pub(crate) fn data(stream: u32, mut bytes: &[u8], is_end: bool) -> Vec<u8> {
    let mut frames = Vec::new();
    while bytes.len() > MAX_FRAME_BYTES {
        let (piece, rest) = bytes.split_at(MAX_FRAME_BYTES);
        frames.extend(frame(DATA, 0, stream, piece));
        bytes = rest;
    }
    let last = frame(DATA, u8::from(is_end) * END_STREAM, stream, bytes);
    [frames, last].concat()
}

/// RFC 7541 §6.2.2: a literal field without indexing, name and value as they are.
fn literal((name, value): &Field) -> Vec<u8> {
    [&[0], &*string(name), &*string(value)].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut coded = integer(bytes.len());
    coded.extend(bytes);
    coded
}

/// RFC 7541 §5.1, with a prefix of 7 bits; the first bit says that there is no Huffman code.
fn integer(mut number: usize) -> Vec<u8> {
    let byte = |number: usize| u8::try_from(number).expect("a byte");
    if number < 127 {
        return vec![byte(number)];
    }
    number -= 127;
    let mut coded = vec![127];
    while number >= 128 {
        coded.push(byte(number % 128 + 128));
        number /= 128;
    }
    coded.push(byte(number));
    coded
}

/// Sends these frames on a new connection, and waits for what becomes of stream 1.
pub(crate) async fn exchange(stream: Stream, frames: &[u8]) -> End {
    let (reader, mut writer) = tokio::io::split(stream);
    // Who refuses a request need not read it to its end.
    let _ = writer.write_all(&[BEGIN, frames].concat()).await;
    let _ = writer.flush().await;
    let mut incoming = Incoming {
        reader,
        decoder: Decoder::default(),
        answer: Answer::default(),
    };
    loop {
        let Some(frame) = incoming.frame().await else {
            return End::Closed(None);
        };
        if frame.kind == SETTINGS && frame.flags == 0 {
            let _ = writer.write_all(SETTINGS_ACK).await;
        }
        if let Some(end) = incoming.take(frame).await {
            return end;
        }
    }
}

struct Incoming<R> {
    reader: R,
    decoder: Decoder<'static>,
    answer: Answer,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl<R: tokio::io::AsyncRead + Unpin> Incoming<R> {
    async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.reader.read_exact(&mut head).await.ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.reader.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: number(&head[5..]),
            payload,
        })
    }

    /// Takes a frame, and tells what became of the stream if that was its last.
    async fn take(&mut self, mut frame: Frame) -> Option<End> {
        let is_end = frame.flags & END_STREAM != 0;
        match (frame.kind, frame.stream) {
            (GOAWAY, _) if number(&frame.payload[4..]) != 0 => {
                return Some(End::Closed(Some(number(&frame.payload[4..]))));
            }
            (RST_STREAM, 1) => return Some(End::Reset(number(&frame.payload))),
            (HEADERS, 1) => {
                while frame.flags & END_HEADERS == 0 {
                    let next = self.frame().await?;
                    frame.flags |= next.flags;
                    frame.payload.extend(next.payload);
                }
                self.take_fields(frame.payload);
            }
            (DATA, 1) => self.answer.body.extend(frame.payload),
            _ => return None,
        }
        is_end.then(|| End::Answered(std::mem::take(&mut self.answer)))
    }

    fn take_fields(&mut self, mut block: Vec<u8>) {
        let mut fields = Vec::new();
        let decoded = self.decoder.decode(&mut block, &mut fields);
        decoded.expect("HPACK");
        for (name, value, _) in fields {
            let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
            match &*name {
                b":status" => self.answer.status = text(value).parse().expect("a status"),
                _ => self.answer.fields.push((text(name), text(value))),
            }
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    let bytes = bytes[..4].try_into().expect("four bytes");
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

//! HTTP/2 as bytes, for what no client would send (RFC 9113 §4, §6).

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// What a client begins with, and the size of the window that it gives each stream.
pub(crate) fn preface(window: u32) -> Vec<u8> {
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut setting = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
    setting.extend(window.to_be_bytes());
    begin.extend(frame(SETTINGS, 0, 0, &setting));
    begin
}

/// A block of fields (RFC 7541): this method, http, / and the authority a, none of it indexed.
pub(crate) fn head(method: u8) -> Vec<u8> {
    vec![method, 0x86, 0x84, 0x01, 0x01, b'a']
}

pub(crate) const GET: u8 = 0x82;
pub(crate) const POST: u8 = 0x83;

/// Puts a field with a name of one letter and no value into the table.
pub(crate) const INDEXED: [u8; 4] = [0x40, 0x01, b'b', 0x00];
/// The newest field of the table: one byte on the wire.
pub(crate) const NEWEST: u8 = 0x80 | 62;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const CANCEL: [u8; 4] = [0, 0, 0, 8];

const INITIAL_WINDOW_SIZE: u16 = 4;

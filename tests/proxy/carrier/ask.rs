use std::fmt;

use super::Carrier;
use crate::TOKEN;

/// A request, before a protocol writes it down.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    /// Names up to the colon, and what comes after it.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Body,
}

#[derive(Clone)]
pub(crate) enum Body {
    None,
    /// Told by its length.
    Sized(Vec<u8>),
    /// Told by its end, after which these fields come.
    Streamed(Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>),
}

impl Ask {
    /// A GET of nobody.
    pub(crate) fn get(target: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.to_owned(),
            host: "a".to_owned(),
            fields: Vec::new(),
            body: Body::None,
        }
    }

    /// The same with a good token.
    pub(crate) fn known(target: &str) -> Self {
        Self::get(target).line("Authorization", format!("Bearer {TOKEN}"))
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Adds lines as HTTP/1 writes them, each with its CRLF.
    pub(crate) fn lines(mut self, lines: &str) -> Self {
        self.fields.extend(fields(lines));
        self
    }

    pub(crate) fn line(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Body::Sized(body.into());
        self
    }

    /// A body whose end is told by chunks or frames, and trailers as lines.
    pub(crate) fn streamed(mut self, body: &str, trailers: &str) -> Self {
        self.body = Body::Streamed(body.into(), fields(trailers));
        self
    }

    /// As HTTP/1.1 writes it.
    pub(crate) fn http1(&self, carrier: Carrier) -> Vec<u8> {
        let (method, target, host) = (&self.method, &self.target, &self.host);
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n").into_bytes();
        if carrier == Carrier::WebSocket {
            bytes.extend_from_slice(HANDSHAKE);
        }
        write_lines(&mut bytes, &self.fields);
        match &self.body {
            Body::None => bytes.extend_from_slice(b"\r\n"),
            Body::Sized(body) => {
                let length = format!("Content-Length: {}\r\n\r\n", body.len());
                bytes.extend([length.as_bytes(), body].concat());
            }
            Body::Streamed(body, trailers) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                if !body.is_empty() {
                    let size = format!("{:x}\r\n", body.len());
                    bytes.extend([size.as_bytes(), body, b"\r\n"].concat());
                }
                bytes.extend_from_slice(b"0\r\n");
                write_lines(&mut bytes, trailers);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes
    }

    /// The fields of HTTP/2's HEADERS frame: names in lower case, values without what is around
    /// them.
    pub(crate) fn http2(&self, scheme: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pseudo = [
            (":method", &*self.method),
            (":scheme", scheme),
            (":authority", &self.host),
            (":path", &self.target),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.into(), value.into()));
        let mut fields = Vec::from(pseudo);
        fields.extend(lower(&self.fields));
        if let Body::Sized(body) = &self.body {
            let length = body.len().to_string();
            fields.push((b"content-length".to_vec(), length.into_bytes()));
        }
        fields
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.http1(Carrier::Http1);
        bytes.truncate(1024);
        write!(f, "{:?}", String::from_utf8_lossy(&bytes))
    }
}

pub(crate) fn lower(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let one = |(name, value): &(Vec<u8>, Vec<u8>)| {
        (name.to_ascii_lowercase(), value.trim_ascii().to_vec())
    };
    fields.iter().map(one).collect()
}

fn fields(lines: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = lines.split_terminator("\r\n");
    let one = |line: &str| {
        let (name, value) = line.split_once(':').expect("a field");
        (name.into(), value.into())
    };
    lines.map(one).collect()
}

fn write_lines(bytes: &mut Vec<u8>, fields: &[(Vec<u8>, Vec<u8>)]) {
    for (name, value) in fields {
        bytes.extend([name, b":".as_slice(), value, b"\r\n"].concat());
    }
}

/// RFC 6455 §1.3.
const HANDSHAKE: &[u8] = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

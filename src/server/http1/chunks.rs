//! Finds where a chunked body ends (RFC 9112 §7.1).
//!
//! hyper decodes the chunks. In the trailer section it reads everything up to a CR as one line,
//! including a line feed. After `0\r\n\n`, it takes the next request's head, up to the first empty
//! line, as part of the body. A front that ends lines at a line feed sees two requests there. So an
//! end that can be read in two ways is refused.

/// How far a body has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunks {
    Size {
        bytes: u64,
        has_digit: bool,
    },
    /// A chunk extension or blanks; hyper judges them.
    Extension {
        bytes: u64,
    },
    SizeLf {
        bytes: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// A line of the trailer section begins, or the empty one at its end.
    TrailerBegins,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// The rest cannot be interpreted.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Broken;

impl Chunks {
    pub(super) const fn new() -> Self {
        Self::Size {
            bytes: 0,
            has_digit: false,
        }
    }

    /// Reads up to the end of the body, and returns how many bytes belong to it. If that is less
    /// than all, the body has ended or is broken.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Result<(), Broken>) {
        let mut at = 0;
        while at < bytes.len() && *self != Self::End {
            if let Self::Data { left } = self {
                let here = (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                at += here;
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::DataCr;
                }
                continue;
            }
            let Ok(next) = self.after(bytes[at]) else {
                return (at, Err(Broken));
            };
            *self = next;
            at += 1;
        }
        (at, Ok(()))
    }

    fn after(self, b: u8) -> Result<Self, Broken> {
        Ok(match (self, b) {
            (Self::Size { bytes, has_digit }, _) => return size(bytes, has_digit, b),
            (Self::Extension { bytes }, b'\r') => Self::SizeLf { bytes },
            (Self::SizeLf { bytes: 0 }, b'\n') => Self::TrailerBegins,
            (Self::SizeLf { bytes }, b'\n') => Self::Data { left: bytes },
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::new(),
            (Self::TrailerBegins, b'\r') => Self::EndLf,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::TrailerLf, b'\n') => Self::TrailerBegins,
            (Self::EndLf, b'\n') => Self::End,
            (_, b'\r' | b'\n') => return Err(Broken),
            (Self::Extension { bytes }, _) => Self::Extension { bytes },
            (Self::TrailerBegins | Self::Trailer, _) => Self::Trailer,
            _ => return Err(Broken),
        })
    }
}

fn size(bytes: u64, has_digit: bool, b: u8) -> Result<Chunks, Broken> {
    match (char::from(b).to_digit(16), b) {
        (Some(digit), _) => {
            let bytes = bytes.checked_mul(16).ok_or(Broken)? + u64::from(digit);
            let has_digit = true;
            Ok(Chunks::Size { bytes, has_digit })
        }
        (None, _) if !has_digit => Err(Broken),
        (None, b'\r') => Ok(Chunks::SizeLf { bytes }),
        (None, b'\n') => Err(Broken),
        (None, _) => Ok(Chunks::Extension { bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for a body whose bytes arrive in pieces of this size.
    fn read(body: &[u8], piece: usize) -> (usize, bool, Result<(), Broken>) {
        let (mut chunks, mut all) = (Chunks::new(), 0);
        for piece in body.chunks(piece) {
            let (read, result) = chunks.advance(piece);
            all += read;
            if result.is_err() || read < piece.len() {
                return (all, chunks == Chunks::End, result);
            }
        }
        (all, chunks == Chunks::End, Ok(()))
    }

    #[test]
    fn a_body_ends_where_it_ends_however_it_is_cut() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "005;a=b\r\nhello\r\n000 \r\n\r\n",
            "a\r\n0\r\n\r\n\r\n\r\n\n\r\n0\r\n\r\n",
            "1\r\nx\r\n0\r\nX: y\r\nZ: z\r\n\r\n",
        ] {
            let all = [body, "GET / HTTP/1.1\r\n\r\n"].concat();
            for piece in 1..=all.len() {
                let end = (body.len(), true, Ok(()));
                assert_eq!(read(all.as_bytes(), piece), end, "{body:?} {piece}");
            }
            for cut in 0..body.len() {
                let (_, is_end, result) = read(&body.as_bytes()[..cut], 3);
                assert!(!is_end && result.is_ok(), "{body:?} {cut}");
            }
        }
    }

    #[test]
    fn an_end_that_could_be_read_in_two_ways_is_none() {
        for (good, bad) in [
            ("0\r\n", "\n"),
            ("0\r\n\r", "\r"),
            ("0\r\n\r", "x"),
            ("0\r\nX: y", "\n"),
            ("0\r\nX: y\r", "\r"),
            ("0\r\nX: y\r", "x"),
            ("0\r\nX: y\r\n", "\n"),
            ("0", "\n"),
            ("0;x", "\n"),
            ("0\r", "\r"),
            ("", "\r"),
            ("", ";"),
            ("5\r\nhello", "\n"),
            ("5\r\nhello\r", "x"),
            ("5\r\nhello", "x"),
            ("1000000000000000", "0"),
        ] {
            let body = [good, bad, "\r\n\r\n"].concat();
            for piece in 1..=body.len() {
                let end = (good.len(), false, Err(Broken));
                assert_eq!(read(body.as_bytes(), piece), end, "{body:?} {piece}");
            }
        }
    }
}

//! The call itself: one message each way, and how long its answer is waited for (gRPC over HTTP/2).

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::HeaderMap;
use prost::Message;

/// Reads the only message of a unary call ("Length-Prefixed-Message"). Envoy
/// compresses none.
pub(crate) fn message_in(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<PREFIX>()?;
    let [compressed, length @ ..] = *prefix;
    let is_whole = usize::try_from(u32::from_be_bytes(length)) == Ok(message.len());
    (compressed == 0 && is_whole).then_some(message)
}

/// Puts a message into the form in which [`message_in`] finds it.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    framed.extend_from_slice(&message.encode_to_vec());
    framed.freeze()
}

/// Returns how long the caller waits ("Timeout"), less the time that an answer
/// takes to reach it: what comes later is an error, which may let everybody in.
pub(crate) fn patience(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    let timeout = unit.saturating_mul(number);
    Some(timeout - (timeout / 10).min(ON_THE_WAY))
}

/// Within a data center an answer takes less.
const ON_THE_WAY: Duration = Duration::from_millis(20);

/// A compressed flag and a length.
const PREFIX: usize = 5;

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3600) - ON_THE_WAY)),
            ("2M", Some(Duration::from_secs(120) - ON_THE_WAY)),
            ("4S", Some(Duration::from_secs(4) - ON_THE_WAY)),
            ("100m", Some(Duration::from_millis(90))),
            ("1000u", Some(Duration::from_micros(900))),
            ("1000n", Some(Duration::from_nanos(900))),
            ("0m", Some(Duration::ZERO)),
            ("", None),
            ("m", None),
            ("5", None),
            ("5x", None),
            ("-5m", None),
            ("5\u{b5}", None),
        ] {
            let value =
                HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("?"));
            let headers = [(HeaderName::from_static("grpc-timeout"), value)];
            assert_eq!(patience(&headers.into_iter().collect()), expected, "{text}");
        }
        assert_eq!(patience(&HeaderMap::new()), None);
    }

    #[test]
    fn only_one_whole_message_is_read() {
        assert_eq!(message_in(b"\0\0\0\0\x02ab"), Some(&b"ab"[..]));
        assert_eq!(message_in(b"\0\0\0\0\0"), Some(&b""[..]));
        for body in [
            &b""[..],
            b"\0\0\0\0",
            b"\x01\0\0\0\x02ab",
            b"\0\0\0\0\x02a",
            b"\0\0\0\0\x02abc",
            b"\0\xff\xff\xff\xffab",
        ] {
            assert_eq!(message_in(body), None, "{body:?}");
        }
    }
}

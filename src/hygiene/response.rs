//! Requirements on a response before a client gets it.
//!
//! hyper's client accepts responses that a proxy may not pass on: a length beside chunks, which the
//! server would believe, and codings that were not decoded.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::{Response, StatusCode};

/// The error for a response that cannot be passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Refuses a response that could be read in two ways (RFC 9112 §6.3), and writes its length, if it
/// has one, in plain digits.
pub(crate) fn response_gate<B>(response: &mut Response<B>) -> Result<(), Malformed> {
    // 101 was not requested, and hyper has consumed all other interim responses.
    if response.status().is_informational() {
        return Err(Malformed("an interim response in place of a final one"));
    }
    let status = response.status();
    let headers = response.headers_mut();
    let length = length(headers)?;
    match length {
        // RFC 9110 §8.6: it has no body, and some clients would believe a length.
        Some(_) if status == StatusCode::NO_CONTENT => {
            headers.remove(CONTENT_LENGTH);
        }
        Some(Length {
            bytes,
            is_plain: false,
        }) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
        }
        _ => {}
    }
    Ok(())
}

/// The stated length of a response.
struct Length {
    bytes: u64,
    /// Whether it is already in the form that we write.
    is_plain: bool,
}

/// Reads the length, if there is one and no field contradicts it. It takes one pass: each look-up
/// by a name would hash it.
fn length(headers: &HeaderMap) -> Result<Option<Length>, Malformed> {
    let (mut bytes, mut is_plain, mut is_chunked) = (None, true, false);
    for (name, line) in headers {
        if *name == CONTENT_LENGTH {
            is_plain = bytes.is_none() && is_as_ours(line.as_bytes());
            add(line, &mut bytes)?;
        } else if *name == TRANSFER_ENCODING {
            if is_chunked || !line.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed("a transfer coding other than chunked"));
            }
            is_chunked = true;
        }
    }
    if is_chunked && bytes.is_some() {
        return Err(Malformed("a length beside chunks"));
    }
    Ok(bytes.map(|bytes| Length { bytes, is_plain }))
}

/// Equal lines and items count as one (RFC 9110 §8.6).
fn add(line: &HeaderValue, length: &mut Option<u64>) -> Result<(), Malformed> {
    for item in line.as_bytes().split(|&b| b == b',') {
        let told = number(item.trim_ascii()).ok_or(Malformed("a length that is no number"))?;
        if length.replace(told).is_some_and(|before| before != told) {
            return Err(Malformed("two lengths"));
        }
    }
    Ok(())
}

/// Returns whether a valid length has the form that we write.
fn is_as_ours(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_digit) && (line.len() == 1 || !line.starts_with(b"0"))
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_number)?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(status: u16, lines: &[(&str, &str)]) -> Result<HeaderMap, Malformed> {
        let mut response = Response::builder().status(status);
        for (name, value) in lines {
            response = response.header(*name, *value);
        }
        let mut response = response.body(()).unwrap();
        response_gate(&mut response).map(|()| response.headers().clone())
    }

    #[test]
    fn a_length_is_told_once_and_in_plain_digits() {
        for lines in [
            &[("content-length", "0005")][..],
            &[("content-length", "5"), ("content-length", "05")],
            &[("content-length", "5"), ("content-length", "5")],
            &[("content-length", "5, 5")],
        ] {
            let headers = passed(200, lines).unwrap();
            let lengths: Vec<_> = headers.get_all(CONTENT_LENGTH).iter().collect();
            assert_eq!(lengths, ["5"], "{lines:?}");
        }
        assert!(passed(204, &[("content-length", "5")]).unwrap().is_empty());
        assert!(passed(200, &[("transfer-encoding", "Chunked")]).is_ok());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for lines in [
            &[("content-length", "5"), ("content-length", "6")][..],
            &[("content-length", "5, 6")],
            &[("content-length", "+5")],
            &[("content-length", "")],
            &[("content-length", "18446744073709551616")],
            &[("content-length", "5"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "gzip")],
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
        ] {
            assert!(passed(200, lines).is_err(), "{lines:?}");
        }
        assert!(passed(101, &[]).is_err());
        assert!(passed(103, &[]).is_err());
    }
}

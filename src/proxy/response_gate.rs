//! What a response must be like before a client gets it.
//!
//! hyper's client reads what a proxy may not pass on: a length beside chunks, which the server
//! would believe, and codings that nobody has undone.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::{Response, StatusCode};

/// The error for a response that cannot be passed on as one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Refuses a response that could be read in two ways (RFC 9112 §6.3), and says its length, if it
/// has one, in digits of our own.
pub(super) fn response_gate<B>(response: &mut Response<B>) -> Result<(), Malformed> {
    // Nobody asked for another protocol, and hyper has taken all other interim responses.
    if response.status().is_informational() {
        return Err(Malformed("an interim response in place of a final one"));
    }
    let status = response.status();
    let headers = response.headers_mut();
    let length = length(headers)?;
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !is_chunked || codings.next().is_some() {
            return Err(Malformed("a transfer coding other than chunked"));
        }
        if length.is_some() {
            return Err(Malformed("a length beside chunks"));
        }
    }
    match length {
        // RFC 9110 §8.6: it has no body, and a length would be believed by some.
        Some(_) if status == StatusCode::NO_CONTENT => {
            headers.remove(CONTENT_LENGTH);
        }
        Some(length) if !is_plain(headers) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        _ => {}
    }
    Ok(())
}

/// Lines and items that say the same are one (RFC 9110 §8.6).
fn length(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let lines = headers.get_all(CONTENT_LENGTH).iter();
    let items = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
    let mut length = None;
    for item in items {
        let told = number(item.trim_ascii()).ok_or(Malformed("a length that is no number"))?;
        if length.replace(told).is_some_and(|before| before != told) {
            return Err(Malformed("two lengths"));
        }
    }
    Ok(length)
}

/// Tells whether a good length is what we would say ourselves.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let line = lines.next().map_or(&b""[..], HeaderValue::as_bytes);
    lines.next().is_none()
        && line.iter().all(u8::is_ascii_digit)
        && (line.len() == 1 || !line.starts_with(b"0"))
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

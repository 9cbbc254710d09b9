//! `Via` (RFC 9110 §7.6.3): the proxies that have forwarded a request, so that no request loops for
//! ever.

use http::Version;
use http::header::{HeaderMap, HeaderValue, VIA};

/// A pseudonym, because a host name would reveal more than upstreams need. All instances have the
/// same one, so that a loop through several of them is detected too.
const PSEUDONYM: &str = "ghes-gatekeeper";

/// One gate behind another is legal, such as a company's before a team's.
const MAX_TIMES: usize = 1;

/// Returns whether a request has been here too often, and so is in a loop.
pub(crate) fn is_loop(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(VIA).iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
    entries.filter(|entry| is_ours(entry)).count() > MAX_TIMES
}

/// `received-protocol RWS received-by`, and perhaps a comment. Commas in a comment make separate
/// entries here; that can only refuse a request with our name in a comment.
fn is_ours(entry: &[u8]) -> bool {
    let mut words = entry
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let received_by = words.nth(1);
    received_by.is_some_and(|by| by.eq_ignore_ascii_case(PSEUDONYM.as_bytes()))
}

/// Adds us to the proxies that have forwarded a request, which had this `version`.
pub(crate) fn append(headers: &mut HeaderMap, version: Version) {
    headers.append(
        VIA,
        HeaderValue::from_static(match version {
            Version::HTTP_09 | Version::HTTP_10 => "1.0 ghes-gatekeeper",
            Version::HTTP_2 => "2 ghes-gatekeeper",
            Version::HTTP_3 => "3 ghes-gatekeeper",
            _ => "1.1 ghes-gatekeeper",
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(VIA, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn one_gate_before_another_is_no_loop() {
        for lines in [
            &[][..],
            &["1.1 elsewhere"],
            &["1.1 ghes-gatekeeper"],
            &[
                "1.1 elsewhere (ghes-gatekeeper), 1.1 ghes-gatekeeper.example.com",
                "2 ghes-gatekeeper",
            ],
            &["ghes-gatekeeper ghes-gatekeeper"],
            &["ghes-gatekeeper,ghes-gatekeeper"],
        ] {
            assert!(!is_loop(&passed(lines)), "{lines:?}");
        }
    }

    #[test]
    fn the_third_time_is_a_loop() {
        for lines in [
            &["1.1 ghes-gatekeeper", "1.0 ghes-gatekeeper"][..],
            &["HTTP/1.1 ghes-gatekeeper,2\tGHES-Gatekeeper (x)"],
            &[
                "1.1 a, 1.1  ghes-gatekeeper , 1.1 b,",
                "1.1 c, 2 ghes-gatekeeper",
            ],
        ] {
            assert!(is_loop(&passed(lines)), "{lines:?}");
        }
    }

    #[test]
    fn what_is_appended_is_counted() {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            let mut headers = passed(&["1.1 elsewhere"]);
            append(&mut headers, version);
            assert!(!is_loop(&headers));
            append(&mut headers, version);
            assert!(is_loop(&headers));
            assert_eq!(headers[VIA], "1.1 elsewhere", "others stay, and first");
        }
    }
}

//! Checks the head of one request before hyper parses it.
//!
//! This is not a parser: hyper decides what a head means. It finds where a head ends, so that no
//! two parties can disagree about it, and what hyper would ignore or cannot hold.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use crate::server::refusal::Unreadable;

/// The state of bytes that begin with a head.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// There is more to come.
    Partial,
    /// The head has this many bytes.
    Whole(usize),
    /// The head must not be parsed.
    Unreadable(Unreadable),
}

/// Looks for the end of the head that `bytes` begin with.
///
/// A line ends with CRLF. RFC 9112 §2.2 lets servers accept LF alone, but a proxy in front that
/// does not would see one line where we see two. A length beside a transfer coding is the means of
/// request smuggling (§6.1); hyper drops the length silently.
pub(super) fn look(bytes: &[u8]) -> Look {
    let mut begin = 0;
    let (mut has_length, mut has_coding) = (false, false);
    for end in memchr_iter(b'\n', bytes) {
        let Some((b'\r', line)) = bytes[begin..end].split_last() else {
            return Look::Unreadable(Unreadable::BareLineFeed);
        };
        if line.is_empty() {
            return match has_length && has_coding {
                true => Look::Unreadable(Unreadable::LengthAndCoding),
                false => Look::Whole(end + 1),
            };
        }
        match line[0] | 0x20 {
            b'c' => has_length |= is_named(line, b"content-length"),
            b't' => has_coding |= is_named(line, b"transfer-encoding"),
            _ => {}
        }
        begin = end + 1;
    }
    Look::Partial
}

/// Returns whether bytes are one whole head without a problem for [`look`] or [`readable`].
///
/// Nearly all heads are. It may return false for a good head as well. Without a branch in them, its
/// loops become vector instructions; going from line to line takes half as long again.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let Some(lines) = bytes.strip_suffix(b"\n") else {
        return false;
    };
    if !lines.ends_with(b"\r\n\r") || lines[0] == b'\r' || lines[..2].contains(&b'\n') {
        return false;
    }
    let before = lines[1..].iter().zip(lines);
    let is_odd = lines[2..]
        .iter()
        .zip(before)
        .fold(false, |is_odd, (&c, (&b, &a))| {
            let ends_a_line_badly_or_a_head = (c == b'\n') & ((b != b'\r') | (a == b'\n'));
            let begins_as_a_coding = (b == b'\n') & (c | 0x20 == b't');
            is_odd | ends_a_line_badly_or_a_head | begins_as_a_coding
        });
    let first = memchr(b'\r', bytes).unwrap_or(bytes.len());
    !is_odd && !may_be_unreadable(&bytes[..first])
}

/// Returns whether bytes that were partial up to `seen` need another look. Only a new line feed can
/// bring an end or a bad line. A head that drips in is looked at twice.
pub(super) fn is_news(bytes: &[u8], seen: usize) -> bool {
    memchr_iter(b'\n', &bytes[seen..]).any(|end| {
        let before = &bytes[..seen + end];
        !before.ends_with(b"\r") || before.ends_with(b"\n\r")
    })
}

/// Returns how many leading bytes are empty lines, which RFC 9112 §2.2 says to skip.
pub(super) fn empty_lines(bytes: &[u8]) -> usize {
    let lines = bytes.chunks_exact(2).take_while(|line| line == b"\r\n");
    2 * lines.count()
}

/// Percent-encodes the bytes in a head's target that `http` cannot hold (RFC 3986 §2.1), which
/// names the same resource. Nearly every head stays as it is.
pub(super) fn readable(head: &[u8]) -> Cow<'_, [u8]> {
    let target = target(head);
    let bytes = &head[target.clone()];
    if !may_be_unreadable(bytes) {
        return Cow::Borrowed(head);
    }
    let is_text = std::str::from_utf8(bytes).is_ok();
    let mut written = Vec::with_capacity(head.len() + 2 * bytes.len());
    written.extend_from_slice(&head[..target.start]);
    for &b in bytes {
        if is_never_read(b) || !(is_text || b.is_ascii()) {
            written.extend([b'%', hex(b >> 4), hex(b & 15)]);
        } else {
            written.push(b);
        }
    }
    written.extend_from_slice(&head[target.end..]);
    Cow::Owned(written)
}

fn may_be_unreadable(bytes: &[u8]) -> bool {
    let any = |any, &b: &u8| any | is_never_read(b) | !b.is_ascii();
    bytes.iter().fold(false, any)
}

/// The bytes that `http` refuses in some part of a target though other servers accept them: `"` in
/// a query, the backtick in a path, the rest in both.
fn is_never_read(b: u8) -> bool {
    matches!(b, b'"' | b'<' | b'>' | b'`')
}

fn hex(digit: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(digit)]
}

/// The range of a head's target: between the first two blanks. A first line without them has none.
fn target(head: &[u8]) -> std::ops::Range<usize> {
    let begin = memchr(b' ', head).map_or(head.len(), |blank| blank + 1);
    let length = head[begin..].iter().position(|&b| b == b' ' || b == b'\r');
    begin..length.map_or(begin, |length| begin + length)
}

fn is_named(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable_target(target: &[u8]) -> Vec<u8> {
        let head = [b"GET ", target, b" HTTP/1.1\r\nX: \"<>`\xff\r\n\r\n"].concat();
        let readable = readable(&head).into_owned();
        let rest = readable.strip_prefix(b"GET ").unwrap();
        let rest = rest.strip_suffix(b" HTTP/1.1\r\nX: \"<>`\xff\r\n\r\n");
        rest.unwrap().to_vec()
    }

    #[test]
    fn what_http_cannot_hold_is_encoded_and_nothing_else() {
        for b in (0x21..=0xff_u8).filter(|b| *b != 0x7f) {
            for target in [
                [b"/a".as_slice(), &[b], b"b"].concat(),
                [b"/a?b=".as_slice(), &[b], b"c"].concat(),
            ] {
                let readable = readable_target(&target);
                let uri = http::Uri::try_from(&*readable);
                assert!(uri.is_ok(), "{}", readable.escape_ascii());
                let decoded = percent_encoding::percent_decode(&readable).collect::<Vec<u8>>();
                assert_eq!(
                    decoded,
                    percent_encoding::percent_decode(&target).collect::<Vec<u8>>()
                );
                let held = http::Uri::try_from(&*target).is_ok();
                assert!(readable == target || !held || b == b'"' || b == b'`');
            }
        }
    }

    #[test]
    fn text_passes_as_it_is_and_other_bytes_do_not() {
        let cafe = "/caf\u{e9}?q=\u{20ac}".as_bytes();
        assert_eq!(readable_target(cafe), cafe);
        assert_eq!(readable_target(b"/caf\xe9"), b"/caf%E9");
        assert_eq!(
            readable_target("/\u{e9}<".as_bytes()),
            "/\u{e9}%3C".as_bytes()
        );
        assert_eq!(readable_target(b"/%7Bx%7D"), b"/%7Bx%7D");
    }

    #[test]
    fn a_head_ends_with_an_empty_line_that_ends_with_crlf() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(look(head), Look::Whole(head.len()));
        assert_eq!(
            look(&[head, b"rest\n".as_slice()].concat()),
            Look::Whole(head.len())
        );
        for end in 0..head.len() {
            assert_eq!(look(&head[..end]), Look::Partial, "{end}");
        }
        for bare in [
            b"GET / HTTP/1.1\nHost: a\r\n\r\n".as_slice(),
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: z\r\n\r\n",
            b"\nGET / HTTP/1.1\r\n\r\n",
        ] {
            let shown = bare.escape_ascii();
            assert_eq!(
                look(bare),
                Look::Unreadable(Unreadable::BareLineFeed),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_length_beside_a_coding_is_found_in_any_order_and_case() {
        let both = |one: &str, other: &str| {
            format!("POST / HTTP/1.1\r\n{one}Host: a\r\n{other}\r\n").into_bytes()
        };
        let (length, coding) = ("Content-Length: 5\r\n", "transfer-Encoding:chunked\r\n");
        let refused = Look::Unreadable(Unreadable::LengthAndCoding);
        assert_eq!(look(&both(length, coding)), refused);
        assert_eq!(look(&both(coding, length)), refused);
        assert_eq!(look(&both("CONTENT-LENGTH:\r\n", coding)), refused);
        for (one, other) in [
            (length, length),
            (coding, coding),
            (length, "X-Transfer-Encoding: chunked\r\n"),
            ("Content-Length-X: 5\r\n", coding),
            ("Cont: 5\r\n", "T:\r\n"),
        ] {
            let head = both(one, other);
            assert_eq!(look(&head), Look::Whole(head.len()));
        }
    }

    #[test]
    fn what_is_plain_is_a_head_that_stays_as_it_is() {
        let plain = b"GET /a HTTP/1.1\r\nHost: a\r\nX: \"<\xff\r\nC: y\r\n\r\n";
        assert!(is_plain(plain));
        for at in 0..plain.len() {
            for b in *b"\r\nt\"<\xff " {
                let mut other = plain.to_vec();
                other[at] = b;
                assert_plain_says_little(&other);
                other.insert(at, b'\n');
                assert_plain_says_little(&other);
                other.truncate(at);
                assert_plain_says_little(&other);
            }
        }
        for more in [
            b"\r\n".as_slice(),
            b"\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"Transfer-Encoding: x\r\nContent-Length: 1\r\n\r\n",
        ] {
            assert!(!is_plain(&[plain, more].concat()));
            assert!(!is_plain(&[more, plain].concat()));
        }
    }

    fn assert_plain_says_little(bytes: &[u8]) {
        if is_plain(bytes) {
            assert_eq!(look(bytes), Look::Whole(bytes.len()));
            assert!(matches!(readable(bytes), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn only_what_can_end_a_head_is_news() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for end in 1..=head.len() {
            assert_eq!(is_news(&head[..end], end - 1), end == head.len(), "{end}");
            assert!(is_news(head, end - 1), "{end}");
        }
        assert!(is_news(b"GET /\n", 5));
        assert!(!is_news(b"GET /\r\nHost", 5));
    }
}

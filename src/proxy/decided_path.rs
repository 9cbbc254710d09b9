//! The path that routes are matched with: the one that an upstream will read.
//!
//! Upstreams decode a path before they look at it, so `/%61dmin` is `/admin` to them, and must be
//! to us. What they could read in two ways is refused: dot segments, doubled or encoded slashes,
//! backslashes, path parameters, anything that decodes to a percent sign, and segments that end
//! in a dot or a blank, which some file systems drop. The path that is forwarded stays as it came, but
//! for the [prefix](super::prefix) that a route cuts off.
//!
//! Paths are compared with regard to case, as RFC 3986 §6.2.2.1 has it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes a path once; none if it is ambiguous.
pub(super) fn decided_path(path: &str) -> Option<Cow<'_, str>> {
    match is_plain(path.as_bytes()) {
        true => Some(Cow::Borrowed(path)),
        false => decoded_path(path),
    }
}

/// Tells of most paths that they have one reading, which is as they are: of what nobody escapes
/// (RFC 3986 §2.3), and of segments that are not empty and do not end in a dot.
fn is_plain(path: &[u8]) -> bool {
    let mut before = 0;
    for &b in path {
        let follows = match b {
            b'/' => !matches!(before, b'/' | b'.'),
            _ => IS_UNRESERVED[usize::from(b)],
        };
        if !follows {
            return false;
        }
        before = b;
    }
    before != b'.'
}

/// By byte, as every byte of every path is looked up here.
static IS_UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        let byte = b as u8;
        table[b] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        b += 1;
    }
    table
};

fn decoded_path(path: &str) -> Option<Cow<'_, str>> {
    if !has_whole_triplets(path) || path.contains(";") {
        return None;
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let is_plain = |c: char| !c.is_control() && !matches!(c, '%' | '\\' | ';' | '#' | '?');
    let slashes = |text: &str| text.matches('/').count();
    let is_clear = decoded.chars().all(is_plain)
        && slashes(&decoded) == slashes(path)
        && !decoded.contains("//")
        && decoded.split('/').all(is_clear_segment);
    is_clear.then_some(decoded)
}

/// RFC 3986 §2.1: a percent sign begins two hexadecimal digits, and stands for nothing else.
fn has_whole_triplets(path: &str) -> bool {
    let is_hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let bytes = path.as_bytes();
    let mut signs = bytes.iter().enumerate().filter(|(_, b)| **b == b'%');
    signs.all(|(at, _)| is_hex(bytes.get(at + 1)) && is_hex(bytes.get(at + 2)))
}

/// Covers `.` and `..` too.
fn is_clear_segment(segment: &str) -> bool {
    !segment.ends_with(['.', ' ']) && !segment.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_upstreams_decode_is_decoded() {
        for (path, decided) in [
            ("/", "/"),
            ("/admin", "/admin"),
            ("/%61dmin", "/admin"),
            ("/ad%6Din/x", "/admin/x"),
            ("/a%20b/", "/a b/"),
            ("/caf%C3%A9", "/caf\u{e9}"),
            ("/a/..b/.c/d.e", "/a/..b/.c/d.e"),
        ] {
            assert_eq!(decided_path(path).as_deref(), Some(decided));
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for path in [
            "/public/../admin",
            "/public/.",
            "/public/%2e%2E/admin",
            "/public%2fadmin",
            "/public%2Fadmin",
            "/public%5cadmin",
            "/public\\admin",
            "//admin",
            "/admin;a=b",
            "/admin%3Ba=b",
            "/admin%00",
            "/admin%0a",
            "/admin%20",
            "/admin.",
            "/admin%2e",
            "/%2561dmin",
            "/100%25",
            "/%zzadmin",
            "/admin%",
            "/admin%2",
            "/%u0061dmin",
            "/public/%c0%ae%c0%ae/admin",
            "/%ff",
            "/a%3fb",
            "/a%23b",
        ] {
            assert_eq!(decided_path(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_way_to_write_a_path_leads_elsewhere(
            path in "(/[a-zA-Z0-9_~-]{1,6}){1,4}",
            encoded in prop::collection::vec(any::<bool>(), 28),
            upper in any::<bool>(),
        ) {
            let mut encoded = encoded.into_iter();
            let written: String = path
                .chars()
                .map(|c| match (c, encoded.next()) {
                    ('/', _) | (_, Some(false) | None) => c.to_string(),
                    (c, _) if upper => format!("%{:02X}", c as u32),
                    (c, _) => format!("%{:02x}", c as u32),
                })
                .collect();
            let decided = decided_path(&written);
            prop_assert_eq!(decided.as_deref(), Some(path.as_str()));
        }

        #[test]
        fn what_is_plain_is_decided_as_it_is(path in "[/.a-z~]{0,12}|/[ -~]{0,8}") {
            if is_plain(path.as_bytes()) {
                let decoded = decoded_path(&path);
                prop_assert_eq!(decoded.as_deref(), Some(&*path));
            }
        }

        #[test]
        fn what_is_decided_has_one_reading(path in "/[ -~]{0,20}") {
            if let Some(decided) = decided_path(&path) {
                prop_assert!(!decided.contains('%') && !decided.contains("//"));
                prop_assert!(!decided.split('/').any(|segment| segment == "." || segment == ".."));
            }
        }
    }
}

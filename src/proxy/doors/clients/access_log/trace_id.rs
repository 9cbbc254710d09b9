use http::{HeaderMap, HeaderName, HeaderValue};

/// The id of the trace that a request is part of (W3C Trace Context, Level 1, §3.2).
pub(super) struct TraceId(HeaderValue);

impl TraceId {
    /// Reads the `traceparent` of a request, if it has exactly one, and that is valid.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(&TRACEPARENT).iter();
        let (line, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        is_valid(line.as_bytes()).then(|| Self(line.clone()))
    }

    pub(super) fn as_str(&self) -> &str {
        let id = self.0.as_bytes().get(ID);
        id.and_then(|id| std::str::from_utf8(id).ok())
            .unwrap_or_default()
    }
}

/// `version-trace_id-parent_id-flags`. Later versions may add to it, behind another dash.
fn is_valid(line: &[u8]) -> bool {
    let Some((known, more)) = line.split_at_checked(LENGTH) else {
        return false;
    };
    let has_form = known.iter().enumerate().all(|(at, b)| match at {
        2 | 35 | 52 => *b == b'-',
        _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
    });
    let is_version = match &known[..2] {
        b"00" => more.is_empty(),
        b"ff" => false,
        _ => more.is_empty() || more[0] == b'-',
    };
    let is_set = |id: &[u8]| id.iter().any(|b| *b != b'0');
    has_form && is_version && is_set(&known[ID]) && is_set(&known[PARENT])
}

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const ID: std::ops::Range<usize> = 3..35;
const PARENT: std::ops::Range<usize> = 36..52;
const LENGTH: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn read(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&TRACEPARENT, HeaderValue::from_str(line).unwrap());
        }
        TraceId::of(&headers).map(|id| id.as_str().to_owned())
    }

    #[test]
    fn the_id_of_a_valid_field_is_read() {
        for line in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-ever",
        ] {
            assert_eq!(read(&[line]).as_deref(), Some(ID), "{line}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for line in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&[good, good]), None);
        assert_eq!(read(&[]), None);
    }
}

//! Where the next page of a list is: RFC 8288's `Link`, as far as GitHub writes it.

use std::fmt;

use http::Uri;
use http::header::{HeaderMap, LINK};

use crate::authority::is_connectable;

/// Returns the address of the next page; none on the last one.
///
/// Only the path and the query are taken from the link. Scheme, host and port are those of
/// `api_root`, so that credentials cannot follow a link to another server; a link that names
/// another one is refused, and one that cannot be read as well, because a list that ends early
/// looks like a complete one.
pub(in crate::ghes) fn next_page(
    headers: &HeaderMap,
    api_root: &str,
) -> Result<Option<String>, BadLink> {
    for value in headers.get_all(LINK) {
        let mut rest = value.to_str().map_err(|_| BadLink::Malformed)?.trim();
        while !rest.is_empty() {
            let link = Link::parse(rest).ok_or(BadLink::Malformed)?;
            if link.is_next() {
                return at_home(link.target, api_root).map(Some);
            }
            rest = link.rest;
        }
    }
    Ok(None)
}

struct Link<'h> {
    target: &'h str,
    parameters: &'h str,
    rest: &'h str,
}

impl<'h> Link<'h> {
    /// Reads the first of the links; the target may hold commas, and so may what is quoted.
    fn parse(text: &'h str) -> Option<Self> {
        let (target, text) = text.strip_prefix('<')?.split_once('>')?;
        let mut is_quoted = false;
        let end = text.find(|c: char| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        let (parameters, rest) = match end {
            Some(end) => (&text[..end], text[end + 1..].trim_start()),
            None => (text, ""),
        };
        Some(Self {
            target,
            parameters,
            rest,
        })
    }

    fn is_next(&self) -> bool {
        let relations = self.parameters.split(';').filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then_some(value)
        });
        let is_next = |relation: &str| relation.eq_ignore_ascii_case("next");
        // RFC 8288 §3.3: only the first one counts, and it may name several relations.
        let mut first = relations.take(1);
        first.any(|value| {
            let value = value.trim().trim_matches('"');
            value.split_ascii_whitespace().any(is_next)
        })
    }
}

fn at_home(target: &str, api_root: &str) -> Result<String, BadLink> {
    let target: Uri = target.parse().map_err(|_| BadLink::Malformed)?;
    let home: Uri = api_root.parse().map_err(|_| BadLink::Malformed)?;
    let (Some(scheme), Some(authority)) = (home.scheme(), home.authority()) else {
        return Err(BadLink::Malformed);
    };
    if !is_same_origin(&target, &home) {
        return Err(BadLink::Elsewhere);
    }
    let path = target.path_and_query().ok_or(BadLink::Malformed)?;
    Ok(format!("{scheme}://{authority}{path}"))
}

fn is_same_origin(a: &Uri, b: &Uri) -> bool {
    let (Some(a), Some(b)) = (Origin::of(a), Origin::of(b)) else {
        return false;
    };
    a.scheme == b.scheme && a.port == b.port && a.host.eq_ignore_ascii_case(b.host)
}

struct Origin<'u> {
    scheme: &'u str,
    host: &'u str,
    port: u16,
}

impl<'u> Origin<'u> {
    fn of(uri: &'u Uri) -> Option<Self> {
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || !is_connectable(authority) {
            return None;
        }
        let scheme = uri.scheme_str()?;
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self {
            scheme,
            host: authority.host(),
            port: authority.port_u16().unwrap_or(default),
        })
    }
}

/// The error for a link that is not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::ghes) enum BadLink {
    Elsewhere,
    Malformed,
}

impl fmt::Display for BadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elsewhere => "the next page is on another server",
            Self::Malformed => "the link to the next page cannot be read",
        })
    }
}

impl std::error::Error for BadLink {}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "https://ghes.example.com/api/v3";

    fn next(link: &'static str) -> Result<Option<String>, BadLink> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, http::HeaderValue::from_static(link));
        next_page(&headers, ROOT)
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let page = "https://ghes.example.com/api/v3/authorizations?page=2";
        for link in [
            r#"<https://ghes.example.com/api/v3/authorizations?page=2>; rel="next", <https://ghes.example.com/api/v3/authorizations?page=5>; rel="last""#,
            r#"<https://ghes.example.com/a,b>; rel="prev"; title="a, <b>", <https://ghes.example.com/api/v3/authorizations?page=2>; rel=next"#,
            r#"<https://ghes.example.com:443/api/v3/authorizations?page=2>;REL="last NEXT""#,
            "<HTTPS://GHES.example.com/api/v3/authorizations?page=2>;rel=next",
        ] {
            assert_eq!(next(link), Ok(Some(page.to_owned())), "{link}");
        }
        for link in [
            "",
            r#"<https://ghes.example.com/x>; rel="last""#,
            r#"<https://evil.example.com/x>; rel="first""#,
            r#"<https://ghes.example.com/x>; rel="last"; rel="next""#,
            "<https://ghes.example.com/x>; title=next",
            "<https://ghes.example.com/x>",
        ] {
            assert_eq!(next(link), Ok(None), "{link}");
        }
        assert_eq!(next_page(&HeaderMap::new(), ROOT), Ok(None));
    }

    #[test]
    fn no_link_leads_to_another_server() {
        for link in [
            "<https://evil.example.com/api/v3/authorizations?page=2>; rel=next",
            "<http://ghes.example.com/api/v3/authorizations?page=2>; rel=next",
            "<https://ghes.example.com:8443/api/v3/authorizations>; rel=next",
            "<https://ghes.example.com.evil.example/api/v3>; rel=next",
            "<https://ghes.example.com@evil.example/api/v3>; rel=next",
            "<https://a:b@ghes.example.com/api/v3>; rel=next",
            "<https://ghes.example.com:/api/v3>; rel=next",
            "<ftp://ghes.example.com/api/v3>; rel=next",
            "</api/v3/authorizations?page=2>; rel=next",
            "<//evil.example.com/x>; rel=next",
        ] {
            assert_eq!(next(link), Err(BadLink::Elsewhere), "{link}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_last_page() {
        for link in [
            "https://ghes.example.com/x; rel=next",
            "<https://ghes.example.com/x; rel=next",
            r#"<https://ghes.example.com/x>; rel="last", next"#,
            r"<https://ghes.example.com\@evil.example/>; rel=next",
            "<>; rel=next",
        ] {
            assert_eq!(next(link), Err(BadLink::Malformed), "{link}");
        }
    }
}

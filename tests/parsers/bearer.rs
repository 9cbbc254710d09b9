//! The credential of a request, and what must hold whatever it is.
//!
//! Each line of the input is an `Authorization` line, but one that begins with `?` is the query.

use ghes_gatekeeper::bearer::{BearerError, BearerOptions, bearer};
use ghes_gatekeeper::token::TokenHash;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

/// Asserts the promises of the bearer parser about one request.
///
/// # Panics
///
/// Panics if one is broken.
pub(crate) fn check(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut query = None;
    // More lines than two say no more than two.
    for line in data.split(|&b| b == b'\n').take(4) {
        if let [b'?', text @ ..] = line {
            query = std::str::from_utf8(text).ok();
        } else if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let loose = BearerOptions::default();
    let strict = loose.with_token_scheme(false).with_max_length(40);
    for (options, max_length, schemes) in [
        (&loose, 1024, &["bearer", "token"][..]),
        (&strict, 40, &["bearer"][..]),
    ] {
        let request = Request {
            headers: &headers,
            query,
            max_length,
            schemes,
        };
        match bearer(&headers, query, options) {
            Ok(token) => {
                let token = token.to_access_token();
                request.assert_token(token.expose());
                let again = bearer(&headers, query, options).expect("the same");
                assert!(again.hash() == TokenHash::of(token.expose()));
            }
            Err(error) => request.assert_refused(error),
        }
    }
}

struct Request<'a> {
    headers: &'a HeaderMap,
    query: Option<&'a str>,
    max_length: usize,
    schemes: &'a [&'a str],
}

impl Request<'_> {
    /// RFC 6750 §2.1, written down once more in other words.
    fn assert_token(&self, token: &str) {
        assert_eq!(self.headers.len(), 1);
        assert!(token.len() <= self.max_length);
        let body = token.trim_end_matches('=');
        assert!(!body.is_empty());
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        assert!(body.chars().all(is_legal));
        let line = self.headers[AUTHORIZATION].to_str().expect("ASCII");
        let scheme = line.strip_suffix(token).expect("the token at the end");
        assert!(scheme.ends_with(' '));
        let scheme = scheme.trim_end_matches(' ').to_ascii_lowercase();
        assert!(self.schemes.contains(&scheme.as_str()), "{scheme}");
        assert!(!self.has_token_in_query());
    }

    /// A tool may have an `access_token` of its own, which is none of GitHub's by its prefix.
    fn has_token_in_query(&self) -> bool {
        let query = self.query.unwrap_or_default().as_bytes();
        let prefixes = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];
        form_urlencoded::parse(query).any(|(name, value)| {
            name == "access_token" && prefixes.iter().any(|prefix| value.starts_with(prefix))
        })
    }

    fn assert_refused(&self, error: BearerError) {
        match error {
            BearerError::Missing => assert!(self.headers.is_empty()),
            BearerError::Basic | BearerError::OtherScheme => {
                assert!(!self.has_accepted_scheme());
            }
            BearerError::Quoted => assert!(self.has_accepted_scheme()),
            BearerError::TooLong => assert!(self.has_accepted_scheme()),
            BearerError::Multiple => {
                assert!(self.headers.len() > 1 || self.has_token_in_query());
            }
            _ => assert_eq!(self.headers.len(), 1),
        }
    }

    fn has_accepted_scheme(&self) -> bool {
        let line = self.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let scheme = line.unwrap_or_default().split(|&b| b == b' ').next();
        let scheme = scheme.unwrap_or_default();
        let mut accepted = self.schemes.iter();
        accepted.any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()))
    }
}

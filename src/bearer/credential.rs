use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{BearerError, BearerOptions, BearerToken, has_github_token, read};

/// The credential of a request, removed from its headers so that no inner service sees it.
///
/// One lookup less than to find it for [`bearer`](super::bearer) and to remove it later.
pub(crate) struct Credential {
    line: Option<HeaderValue>,
    is_alone: bool,
}

impl Credential {
    /// Leaves a request without a credential, and good for nothing if it has several.
    // Inlined, so that the line is read where it was put: to move it takes longer than to parse it.
    #[inline(always)]
    pub(crate) fn take<B>(request: &mut Request<B>) -> Self {
        let is_alone = !request.uri().query().is_some_and(has_github_token);
        let headers = request.headers_mut();
        // Where there are as many lines as names, no name has two.
        let may_be_two = headers.len() > headers.keys_len();
        Self {
            is_alone: is_alone && !(may_be_two && has_two_credentials(headers)),
            line: headers.remove(AUTHORIZATION),
        }
    }

    /// Reads the token, with the same outcome as [`bearer`](super::bearer).
    #[inline]
    pub(crate) fn token(&self, options: &BearerOptions) -> Result<BearerToken<'_>, BearerError> {
        match &self.line {
            None => Err(BearerError::Missing),
            Some(_) if !self.is_alone => Err(BearerError::Multiple),
            Some(line) => read(line, options),
        }
    }

    /// Returns the line as it stood in the headers.
    pub(crate) fn into_line(self) -> Option<HeaderValue> {
        self.line
    }
}

#[cold]
fn has_two_credentials(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bearer::bearer;

    const LINES: [(&str, &str); 6] = [
        ("authorization", "Bearer gho_x"),
        ("authorization", "token gho_x"),
        ("authorization", "Basic YTpi"),
        ("authorization", "Bearer  gho_x,"),
        ("accept", "a/b"),
        ("proxy-authorization", "Bearer gho_y"),
    ];

    fn exposed(token: Result<BearerToken<'_>, BearerError>) -> Result<String, BearerError> {
        token.map(|token| token.to_access_token().expose().to_owned())
    }

    proptest! {
        #[test]
        fn whatever_is_taken_reads_as_it_does_in_its_place(
            lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..4),
            query in prop::sample::select(vec![
                "/",
                "/?page=2",
                "/?a&access_token=b",
                "/?a&access_token=gho_b",
                "/?access%5Ftoken=%67ho_b",
            ]),
        ) {
            let mut request = Request::get(query).body(()).unwrap();
            for (name, value) in lines {
                request.headers_mut().append(name, HeaderValue::from_static(value));
            }
            let options = BearerOptions::default();
            let read = bearer(request.headers(), request.uri().query(), &options);
            let read = exposed(read);
            let credential = Credential::take(&mut request);
            prop_assert_eq!(exposed(credential.token(&options)), read);
            prop_assert!(!request.headers().contains_key(AUTHORIZATION));
        }
    }
}

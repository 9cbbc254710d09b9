use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{BasicScheme, BearerError, BearerOptions, BearerToken, basic, has_github_token, read};
use crate::token::AccessToken;

/// The credential of a request, removed from its headers so that no inner service sees it.
///
/// One lookup less than to find it for [`bearer`](super::bearer) and to remove it later.
pub(crate) struct Credential {
    line: Option<HeaderValue>,
    is_alone: bool,
    /// The token, if it did not stand in the line as it is.
    decoded: Option<AccessToken>,
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
            decoded: None,
        }
    }

    /// Reads the token, with the same outcome as [`bearer`](super::bearer), and beyond that in the
    /// place of a password where the options have it.
    #[inline]
    pub(crate) fn token(
        &mut self,
        options: &BearerOptions,
    ) -> Result<BearerToken<'_>, BearerError> {
        match &self.line {
            None => Err(BearerError::Missing),
            Some(_) if !self.is_alone => Err(BearerError::Multiple),
            Some(line) => match read(line, options) {
                Err(BearerError::Basic) if options.basic != BasicScheme::Refused => {
                    let token = basic::read(line.as_bytes(), options.max_length)?;
                    Ok(BearerToken::lent(self.decoded.insert(token)))
                }
                read => read,
            },
        }
    }

    /// Returns the line for an upstream that may see the token, if it is the only one: as it stood in
    /// the headers, or `Bearer` with a token that stood in the place of a password. The user name
    /// beside it could be anybody's, and an upstream might take it for the user.
    pub(crate) fn into_line(self) -> Option<HeaderValue> {
        match self.decoded {
            Some(token) => HeaderValue::try_from(format!("Bearer {}", token.expose())).ok(),
            None => self.line.filter(|_| self.is_alone),
        }
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

    fn taken(lines: &[&str], query: &str, options: &BearerOptions) -> Result<String, BearerError> {
        let mut request = Request::get(query).body(()).unwrap();
        for line in lines {
            let line = HeaderValue::from_str(line).unwrap();
            request.headers_mut().append(AUTHORIZATION, line);
        }
        let mut credential = Credential::take(&mut request);
        assert!(!request.headers().contains_key(AUTHORIZATION));
        exposed(credential.token(options))
    }

    #[test]
    fn a_token_in_the_place_of_a_password_is_taken_where_that_is_on() {
        let basic = "Basic b2N0b2NhdDpnaG9feA==";
        let (off, on) = (
            BearerOptions::default(),
            BearerOptions::default().with_basic(true),
        );
        assert_eq!(taken(&[basic], "/", &off), Err(BearerError::Basic));
        assert_eq!(taken(&[basic], "/", &on).as_deref(), Ok("gho_x"));
        assert_eq!(taken(&["Bearer gho_x"], "/", &on).as_deref(), Ok("gho_x"));
        assert_eq!(
            taken(&["Digest a"], "/", &on),
            Err(BearerError::OtherScheme)
        );
        assert_eq!(
            taken(&["Basic gho_x"], "/", &on),
            Err(BearerError::Malformed)
        );
    }

    #[test]
    fn a_password_beside_another_credential_is_refused_even_when_alike() {
        let on = BearerOptions::default().with_basic(true);
        let basic = "Basic b2N0b2NhdDpnaG9feA==";
        for lines in [
            [basic, basic],
            [basic, "Bearer gho_x"],
            ["Bearer gho_x", basic],
        ] {
            assert_eq!(
                taken(&lines, "/", &on),
                Err(BearerError::Multiple),
                "{lines:?}"
            );
        }
        let query = "/?access_token=gho_x";
        assert_eq!(taken(&[basic], query, &on), Err(BearerError::Multiple));
    }

    #[test]
    fn no_user_name_goes_on_with_a_token() {
        let mut request = Request::new(());
        let line = HeaderValue::from_static("Basic b2N0b2NhdDpnaG9feA==");
        request.headers_mut().insert(AUTHORIZATION, line);
        let mut credential = Credential::take(&mut request);
        let on = BearerOptions::default().with_basic(true);
        assert!(credential.token(&on).is_ok());
        assert_eq!(credential.into_line().unwrap(), "Bearer gho_x");
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
            let mut credential = Credential::take(&mut request);
            prop_assert_eq!(exposed(credential.token(&options)), read);
            prop_assert!(!request.headers().contains_key(AUTHORIZATION));
        }
    }
}

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use super::browser::{Site, site};
use super::{Accounts, Failure, Page, Sessions, Visit, cookie, with_cookie};
use crate::endpoint::Problem;

impl Sessions {
    /// Shows a button, and ends the session where that is pressed: here by the cookie, and on all
    /// other hosts by the token.
    pub(super) async fn sign_out(
        &self,
        method: &Method,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        let session = self.session(visit.headers, visit.host, visit.now);
        let path = self.path("sign_out");
        if method != Method::POST {
            let sign_out = Page::SignOut { sign_out: &path };
            return sign_out.into_response();
        }
        if site(visit.headers, &self.origin(visit.host)) == Site::Other {
            return OTHER_SITE.into_response();
        }
        let revoked = match &session {
            Some(session) => accounts.revoke(&session.token).await,
            None => Ok(()),
        };
        let start = format!("{}?prompt=select_account", self.path("start"));
        let page = match revoked {
            // What GHES does not know is over.
            Ok(()) | Err(Failure::Refused(_)) => Page::SignedOut { start: &start },
            Err(Failure::Away) => Page::SignedOutHere,
        };
        with_cookie(page.into_response(), cookie::clear(cookie::SESSION))
    }

    /// Returns the origin of the pages of `host`.
    pub(crate) fn origin(&self, host: &str) -> String {
        format!("{}://{host}", self.0.options.scheme)
    }
}

pub(crate) const OTHER_SITE: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "a page of another site asks with this site's cookie; open the page itself",
);

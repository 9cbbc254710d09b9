//! The pages that people see: self-contained, without scripts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// What a person is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page<'a> {
    /// They are not logged in.
    SignIn { start: &'a str },
    /// They were sent to log in often enough.
    SignInAgain { start: &'a str },
    /// A button, so that no link of another page signs anybody out.
    SignOut { sign_out: &'a str },
    /// They are signed out here and everywhere.
    SignedOut { start: &'a str },
    /// They are signed out here, and GHES could not be told.
    SignedOutHere,
    /// They are logged in, and this is not for them.
    NotAllowed { login: &'a str, sign_out: &'a str },
    /// GHES cannot be asked.
    Away,
    /// What came back is of no login that began here.
    NoSuchLogin { start: &'a str },
    /// GHES says why there is no login, by a word of RFC 6749 §4.1.2.1.
    Refused { error: &'a str, start: &'a str },
}

impl Page<'_> {
    const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } | Self::SignInAgain { .. } | Self::NotAllowed { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::SignOut { .. } | Self::SignedOut { .. } => StatusCode::OK,
            Self::SignedOutHere => StatusCode::SERVICE_UNAVAILABLE,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSuchLogin { .. } | Self::Refused { .. } => StatusCode::BAD_REQUEST,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::SignIn { .. } | Self::SignInAgain { .. } => "Sign in",
            Self::SignOut { .. } => "Sign out",
            Self::SignedOut { .. } => "You are signed out",
            Self::SignedOutHere => "You are signed out here alone",
            Self::NotAllowed { .. } => "You have no access",
            Self::Away => "GitHub cannot be reached",
            Self::NoSuchLogin { .. } => "This sign-in has ended",
            Self::Refused { .. } => "GitHub did not sign you in",
        }
    }

    fn body(&self) -> String {
        match self {
            Self::SignIn { start } => format!(
                "<p>This page needs your GitHub account.</p>{}",
                link(start, "Sign in with GitHub")
            ),
            Self::SignInAgain { start } => format!(
                "<p>This page needs your GitHub account. We tried to sign you in several times, and it did not \
                 last. Cookies may be blocked for this site.</p>{}",
                link(start, "Sign in with GitHub")
            ),
            Self::SignOut { sign_out } => format!(
                "<p>This ends your session here and on all sites of this sign-in.</p>{}",
                form(sign_out, "Sign out")
            ),
            Self::SignedOut { start } => format!(
                "<p>Your session has ended here and on all sites of this sign-in.</p>{}",
                link(start, "Sign in again")
            ),
            Self::NotAllowed { login, sign_out } => format!(
                "<p>You are signed in as <strong>{}</strong>, and this account may not open this page.</p>\
                 <p class=\"dim\">Ask the people who run this site for access, or use another account.</p>{}",
                escaped(login),
                form(sign_out, "Use another account")
            ),
            Self::SignedOutHere => "<p>GitHub could not be told, so that your session goes on at other sites. Revoke this \
                 app in the settings of your GitHub account.</p>"
                .to_owned(),
            Self::Away => "<p>We cannot ask GitHub who you are at the moment. You stay signed in: try again in a \
                 minute.</p>"
                .to_owned(),
            Self::NoSuchLogin { start } => format!(
                "<p>It took too long, was used already, or began in another browser.</p>{}",
                link(start, "Sign in again")
            ),
            Self::Refused { error, start } => format!(
                "<p>GitHub answered <code>{}</code>.</p>{}",
                escaped(error),
                link(start, "Try again")
            ),
        }
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let title = escaped(self.title());
        let html = PAGE.replace("{title}", &title).replace("{style}", STYLE);
        // Last, because it has what others wrote.
        let html = html.replace("{body}", &self.body());
        let mut response = Response::new(Full::from(html));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        // The address may have a hand-over, or the code of GHES. With no referrer at all, a browser
        // would send the button's form with `Origin: null`.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

fn link(to: &str, text: &str) -> String {
    format!(
        "<p><a class=\"button\" href=\"{}\">{text}</a></p>",
        escaped(to)
    )
}

fn form(to: &str, text: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\"><button>{text}</button></form>",
        escaped(to)
    )
}

/// Writes text for an element or an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// Nothing but our own style: no script runs, no frame shows it, no form leaves the site.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::try_from(policy).expect("words and base64")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        let evil = "\"><script>alert('1')</script>&{style}";
        for page in [
            Page::SignIn { start: evil },
            Page::SignInAgain { start: evil },
            Page::SignOut { sign_out: evil },
            Page::SignedOut { start: evil },
            Page::NotAllowed {
                login: evil,
                sign_out: evil,
            },
            Page::NoSuchLogin { start: evil },
            Page::Refused {
                error: evil,
                start: evil,
            },
        ] {
            let body = page.body();
            assert!(!body.contains("<script"), "{body}");
            assert!(!body.contains("\"><s"), "{body}");
            assert!(
                body.contains("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)"),
                "{body}"
            );
            assert_eq!(body.matches('<').count(), body.matches('>').count());
        }
    }

    #[test]
    fn a_page_brings_all_that_it_needs_and_lets_nothing_in() {
        let response = Page::Away.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"));
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(
                !PAGE.contains(outside) && !STYLE.contains(outside),
                "{outside}"
            );
        }
    }
}

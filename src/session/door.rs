//! A request of a browser on its way to the gate, and the answer on its way back.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::Full;

use super::browser::{Site, is_navigation, site};
use super::{Page, Session, Sessions, cookie, now, redirect};
use crate::method_override;
use crate::rejection::{Rejection, RejectionDetail, RejectionKind};

/// What is known of a browser until it is answered.
pub(crate) struct Visitor {
    host: String,
    /// What it wants to see; none if it shows nothing of what it gets.
    page: Option<String>,
    session: Option<Known>,
}

/// What a request opens, beside its own answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opens {
    Nothing,
    /// A WebSocket, or whatever else it upgrades to.
    Stream,
    /// A WebSocket that brings a token among its subprotocols.
    #[cfg(feature = "proxy")]
    StreamByToken,
}

impl Opens {
    fn has_token(self) -> bool {
        match self {
            Self::Nothing | Self::Stream => false,
            #[cfg(feature = "proxy")]
            Self::StreamByToken => true,
        }
    }
}

/// Marks the response to a rejected request that is a page already, or leads to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown;

/// What is known of its session.
struct Known {
    login: Box<str>,
    is_loop: bool,
}

impl Sessions {
    /// Takes our cookies out of a request for a route with a login, and has the gate judge the token
    /// of a session. A credential beside them is judged alone.
    ///
    /// # Errors
    ///
    /// Returns why the session does not count: a page of another site asks.
    pub(crate) fn enter<B>(
        &self,
        request: &mut Request<B>,
        host: Option<&HeaderValue>,
        opens: Opens,
    ) -> Result<Option<Box<Visitor>>, RejectionDetail> {
        let host = host.and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| self.has(host)) else {
            cookie::strip(request.headers_mut());
            return Ok(None);
        };
        let now = now();
        let has_credential = request.headers().contains_key(AUTHORIZATION) || opens.has_token();
        let session = match has_credential {
            true => None,
            false => self.session(request.headers(), host, now),
        };
        cookie::strip(request.headers_mut());
        if session.is_some() && may_change(request, opens) {
            let site = site(request.headers(), &self.origin(host));
            if site == Site::Other {
                return Err(RejectionDetail::OtherSite);
            }
        }
        let page = is_navigation(request) && opens == Opens::Nothing && !has_credential;
        let visitor = Visitor {
            host: host.to_owned(),
            page: page.then(|| path_of(request)),
            session: session.as_ref().map(|session| Known {
                login: session.login.clone(),
                is_loop: session.is_loop(now),
            }),
        };
        if let Some(session) = session {
            request.headers_mut().insert(AUTHORIZATION, line(&session));
        }
        Ok(Some(Box::new(visitor)))
    }

    /// Puts the page for a person in place of a rejection, and keeps all else for them alone.
    pub(crate) fn show_page<B>(
        &self,
        visitor: &Visitor,
        response: &mut Response<B>,
        body: impl FnOnce(Full<Bytes>) -> B,
    ) {
        let rejection = response.extensions().get::<Rejection>();
        match rejection.and_then(|why| self.page(visitor, why)) {
            Some(mut page) => {
                let retry_after = response.headers_mut().remove(RETRY_AFTER);
                let retry_after = retry_after.map(|wait| (RETRY_AFTER, wait));
                page.headers_mut().extend(retry_after);
                *response = page.map(body);
            }
            None => visitor.keep_private(response),
        }
    }

    /// Returns what a person sees in place of a rejection; none for whatever shows no page.
    fn page(&self, visitor: &Visitor, rejection: &Rejection) -> Option<Response<Full<Bytes>>> {
        let mut page = self.page_for(visitor, rejection)?;
        let extensions = page.extensions_mut();
        extensions.insert(rejection.clone());
        extensions.insert(Shown);
        Some(page)
    }

    fn page_for(&self, visitor: &Visitor, rejection: &Rejection) -> Option<Response<Full<Bytes>>> {
        let path = visitor.page.as_deref()?;
        let start = || self.start_url(&visitor.host, path);
        let session = visitor.session.as_ref();
        let page = match (rejection.kind(), session) {
            (RejectionKind::MissingToken | RejectionKind::InvalidToken, session) => {
                let is_loop = session.is_some_and(|session| session.is_loop);
                let start = start();
                match is_loop {
                    true => Page::SignInAgain { start: &start }.into_response(),
                    false => redirect(&start),
                }
            }
            (RejectionKind::Forbidden | RejectionKind::InsufficientScope, Some(session)) => {
                let sign_out = self.path("sign_out");
                Page::NotAllowed {
                    login: &session.login,
                    sign_out: &sign_out,
                }
                .into_response()
            }
            (RejectionKind::Unavailable, _) => Page::Away.into_response(),
            _ => return None,
        };
        Some(page)
    }
}

impl Visitor {
    /// Keeps the answer to a session out of shared caches, which know of `Authorization` that what
    /// comes back is for one person (RFC 9111 §3.5), and do not know of cookies.
    fn keep_private<B>(&self, response: &mut Response<B>) {
        if self.session.is_some() {
            let private = HeaderValue::from_static("private");
            let kept = response.headers_mut().entry(CACHE_CONTROL);
            kept.or_insert(private);
        }
    }
}

/// Tells whether a request could change anything, with what the browser adds of its own. Of a
/// WebSocket, what it says later can.
fn may_change<B>(request: &Request<B>, opens: Opens) -> bool {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    !is_safe || opens != Opens::Nothing || method_override::is_there(request.headers())
}

fn path_of<B>(request: &Request<B>) -> String {
    let path = request.uri().path_and_query();
    path.map_or_else(|| "/".to_owned(), ToString::to_string)
}

fn line(session: &Session) -> HeaderValue {
    let line = format!("Bearer {}", session.token.expose());
    // GHES gave it: it is one word of visible ASCII.
    let mut line =
        HeaderValue::try_from(line).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    line.set_sensitive(true);
    line
}

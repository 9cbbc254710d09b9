//! The [web application flow], behind the page that people see: a code becomes a token.
//!
//! [web application flow]: https://docs.github.com/en/enterprise-server/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#web-application-flow

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{ACCEPT, HeaderValue};
use http::{Method, Uri};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::ghes::credentials::{App, InvalidApp};
use crate::ghes::error::ApiError;
use crate::ghes::url::GhesUrl;
use crate::ghes::wire::connection::{Call, Connection};
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;
use crate::token::AccessToken;

/// Exchanges codes for tokens on behalf of one app. A handle.
///
/// It asks the pages of GHES, where the app's id and secret stand in the body, and not its API.
pub struct WebFlow<T> {
    app: Arc<ArcSwap<App>>,
    uri: Uri,
    connection: Connection<T>,
}

/// A code, and what proves that this login is the one that it was given for.
#[derive(Clone)]
pub struct Code {
    code: SecretString,
    redirect_uri: String,
    verifier: SecretString,
}

impl Code {
    /// Takes over a code as it came back to `redirect_uri`, and the PKCE verifier (RFC 7636 §4.1)
    /// whose challenge GHES was given.
    pub fn new(
        code: impl Into<SecretString>,
        redirect_uri: impl Into<String>,
        verifier: impl Into<SecretString>,
    ) -> Self {
        Self {
            code: code.into(),
            redirect_uri: redirect_uri.into(),
            verifier: verifier.into(),
        }
    }
}

#[cfg(all(test, feature = "proxy"))]
impl Code {
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        use secrecy::ExposeSecret as _;

        (
            self.code.expose_secret(),
            &self.redirect_uri,
            self.verifier.expose_secret(),
        )
    }
}

impl<T: Transport> WebFlow<T> {
    /// Makes a client that reaches the server at `url` by `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidApp`] if GitHub cannot have given out the client id.
    pub fn new(url: &GhesUrl, app: &App, transport: T) -> Result<Self, InvalidApp> {
        app.client_id()?;
        let uri = format!("{url}/login/oauth/access_token");
        let mut connection = Connection::new(url, app.basic()?, transport);
        connection.set_header(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Self {
            app: Arc::new(ArcSwap::from_pointee(app.clone())),
            uri: uri.parse().map_err(|_| InvalidApp(()))?,
            connection,
        })
    }

    /// Replaces the app's client secret, for all clones and from the next call on.
    pub fn replace_secret(&self, secret: impl Into<SecretString>) {
        let app = self.app.load().with_secret(secret.into());
        self.app.store(Arc::new(app));
    }

    /// Sets how long the call may take, from the connection to the last byte; 3 s by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.connection.set_timeout(timeout);
        self
    }

    /// Exchanges a code: `POST /login/oauth/access_token`.
    ///
    /// A code is good once, and for ten minutes. If the reply is lost, so is the token.
    ///
    /// # Errors
    ///
    /// Returns [`ExchangeError`] if GHES says no, or says nothing that helps.
    pub async fn exchange(&self, code: &Code) -> Result<AccessToken, ExchangeError> {
        use secrecy::ExposeSecret as _;

        let app = self.app.load_full();
        let body = Exchange {
            client_id: app.client_id().unwrap_or_default(),
            client_secret: app.client_secret(),
            code: code.code.expose_secret(),
            redirect_uri: &code.redirect_uri,
            code_verifier: code.verifier.expose_secret(),
        };
        let call = Call::new(Method::POST, self.uri.clone())
            .without_credentials()
            .with_json(&body)?;
        let response = self.connection.send(call).await?;
        // Refusals have the status 200 as well.
        match reply::json(&response)? {
            Exchanged::Token { access_token } if !access_token.is_empty() => {
                Ok(AccessToken::new(access_token))
            }
            Exchanged::Token { .. } => {
                Err(ApiError::unexpected(&response, "the token is empty").into())
            }
            Exchanged::Refused { error } => Err(ExchangeError::Refused(word(&error))),
        }
    }
}

/// Why there is no token for a code.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExchangeError {
    /// GHES says no, by a word such as `bad_verification_code`.
    Refused(String),
    /// GHES could not be asked, or its reply is not as documented.
    Api(ApiError),
}

impl From<ApiError> for ExchangeError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(word) => write!(f, "GHES refuses the code: {word}"),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Api(error) => error.source(),
        }
    }
}

/// Keeps what RFC 6749 §5.2 allows in an error that is a word: people see it.
pub(super) fn word(error: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    error.chars().filter(is_plain).take(64).collect()
}

#[derive(Serialize)]
struct Exchange<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    code: &'a str,
    redirect_uri: &'a str,
    code_verifier: &'a str,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Exchanged {
    Refused { error: String },
    Token { access_token: String },
}

impl<T: Clone> Clone for WebFlow<T> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            uri: self.uri.clone(),
            connection: self.connection.clone(),
        }
    }
}

impl<T> fmt::Debug for WebFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebFlow")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

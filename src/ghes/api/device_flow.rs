//! The [device flow] (RFC 8628): a code that a person types in elsewhere becomes a token.
//!
//! [device flow]: https://docs.github.com/en/enterprise-server/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, HeaderValue};
use http::{Method, StatusCode, Uri};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::bearer::bearer;
use super::model::SimpleUser;
use crate::ghes::credentials::{App, InvalidApp};
use crate::ghes::error::ApiError;
use crate::ghes::url::GhesUrl;
use crate::ghes::wire::connection::{Call, Connection};
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;
use crate::scope::{Scope, Scopes};
use crate::token::AccessToken;

/// Signs people in on devices without a browser, by one app. A handle.
///
/// It needs the app's client id and no secret. The app must have the device flow enabled.
pub struct DeviceFlow<T> {
    client_id: String,
    /// How GHES's own pages begin.
    pages: String,
    begin: Uri,
    poll: Uri,
    connection: Connection<T>,
}

/// A sign-in that waits for its person.
pub struct DeviceCode {
    /// What the person types in, such as `WDJB-MJHT`.
    pub user_code: String,
    /// Where they type it in: a page of the GHES.
    pub verification_uri: String,
    device_code: SecretString,
    interval: Duration,
    ends_at: Instant,
}

impl DeviceCode {
    /// Returns how long the person has left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }
}

impl<T: Transport> DeviceFlow<T> {
    /// Makes a client that reaches the server at `url` by `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidApp`] if GitHub cannot have given out the client id.
    pub fn new(url: &GhesUrl, client_id: &str, transport: T) -> Result<Self, InvalidApp> {
        let app = App::new(client_id, String::new());
        app.client_id()?;
        let page = |path: &str| format!("{url}{path}").parse().map_err(|_| InvalidApp(()));
        let mut connection = Connection::new(url, HeaderValue::from_static(""), transport);
        connection.set_header(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Self {
            client_id: client_id.to_owned(),
            pages: format!("{url}/"),
            begin: page("/login/device/code")?,
            poll: page("/login/oauth/access_token")?,
            connection,
        })
    }

    /// Begins a sign-in that asks for these scopes: `POST /login/device/code`.
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError`] if GHES says no, or says nothing that helps.
    pub async fn begin(&self, scopes: &Scopes) -> Result<DeviceCode, DeviceError> {
        let body = Begin {
            client_id: &self.client_id,
            scope: scopes
                .iter()
                .map(Scope::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        };
        let response = self.send(&self.begin, &body).await?;
        let begun = match reply::json(&response)? {
            Begun::Code(code) => code,
            Begun::Refused { error } => return Err(DeviceError::of(&error)),
        };
        // A person follows what is shown here, and types a code that stands for their account.
        let is_shown = begun.user_code.bytes().all(|b| b.is_ascii_graphic());
        if !begun.verification_uri.starts_with(&self.pages) || !is_shown {
            let fault = "the page for the code is of another host";
            return Err(ApiError::unexpected(&response, fault).into());
        }
        Ok(DeviceCode {
            user_code: begun.user_code,
            verification_uri: begun.verification_uri,
            device_code: begun.device_code.into(),
            interval: Duration::from_secs(begun.interval.unwrap_or(5).clamp(1, 60)),
            ends_at: Instant::now() + Duration::from_secs(begun.expires_in.min(LONGEST)),
        })
    }

    /// Waits until the person has decided, asking as often as GHES allows.
    ///
    /// A GHES that does not answer meanwhile is asked ever more seldom, until the code ends (RFC 8628
    /// §3.5).
    ///
    /// # Errors
    ///
    /// Returns [`DeviceError`] if the person or GHES says no, or the code has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the code as it is, and loses the token only if GHES has just given it.
    pub async fn wait(&self, code: &DeviceCode) -> Result<AccessToken, DeviceError> {
        let mut interval = code.interval;
        while code.left() > interval {
            sleep(interval).await;
            match self.poll(code).await {
                Ok(Polled::Token(token)) => return Ok(token),
                Ok(Polled::Pending) => {}
                // RFC 8628 §3.5: five seconds more, from now on. GHES says the whole.
                Ok(Polled::SlowDown(seconds)) => {
                    let more = interval + Duration::from_secs(5);
                    interval = more.max(Duration::from_secs(seconds.unwrap_or_default()));
                }
                Err(DeviceError::Api(error)) if is_away(&error) => interval *= 2,
                Err(error) => return Err(error),
            }
        }
        Err(DeviceError::Expired)
    }

    async fn poll(&self, code: &DeviceCode) -> Result<Polled, DeviceError> {
        let body = Poll {
            client_id: &self.client_id,
            device_code: code.device_code.expose_secret(),
            grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        };
        let response = self.send(&self.poll, &body).await?;
        match reply::json(&response)? {
            Answered::Token { access_token } if !access_token.is_empty() => {
                Ok(Polled::Token(AccessToken::new(access_token)))
            }
            Answered::Token { .. } => {
                Err(ApiError::unexpected(&response, "the token is empty").into())
            }
            Answered::Refused { error, interval } => match error.as_str() {
                "authorization_pending" => Ok(Polled::Pending),
                "slow_down" => Ok(Polled::SlowDown(interval)),
                error => Err(DeviceError::of(error)),
            },
        }
    }

    /// Asks whose a token is: `GET /user`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`] if GHES says no, or says nothing that helps.
    pub async fn user(&self, token: &AccessToken) -> Result<SimpleUser, ApiError> {
        let call = Call::to(Method::GET, &self.connection.url("/user"))?;
        let call = call.with_credentials(bearer(token)?);
        reply::json(&self.connection.send(call).await?)
    }

    async fn send(
        &self,
        to: &Uri,
        body: &impl Serialize,
    ) -> Result<http::Response<bytes::Bytes>, ApiError> {
        let call = Call::new(Method::POST, to.clone()).without_credentials();
        self.connection.send(call.with_json(body)?).await
    }
}

/// Tells whether a later question may be answered.
fn is_away(error: &ApiError) -> bool {
    error
        .status_code()
        .is_none_or(|status| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
}

/// GHES says a quarter of an hour.
const LONGEST: u64 = 3_600;

enum Polled {
    Token(AccessToken),
    Pending,
    SlowDown(Option<u64>),
}

/// Why there is no token for a device.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The person said no.
    Denied,
    /// Nobody typed the code in in time.
    Expired,
    /// The app may not sign in devices.
    Disabled,
    /// GHES says no, by another word.
    Refused(String),
    /// GHES could not be asked, or its reply is not as documented.
    Api(ApiError),
}

impl DeviceError {
    fn of(error: &str) -> Self {
        match error {
            "access_denied" => Self::Denied,
            "expired_token" => Self::Expired,
            "device_flow_disabled" => Self::Disabled,
            error => Self::Refused(super::web_flow::word(error)),
        }
    }
}

impl From<ApiError> for DeviceError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => f.write_str("the sign-in was canceled at GHES"),
            Self::Expired => f.write_str("nobody has typed in the code in time"),
            Self::Disabled => f.write_str("the app has no device flow"),
            Self::Refused(word) => write!(f, "GHES refuses the sign-in: {word}"),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Api(error) => error.source(),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Begin<'a> {
    client_id: &'a str,
    scope: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Begun {
    Refused { error: String },
    Code(NewCode),
}

#[derive(Deserialize)]
struct NewCode {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    /// RFC 8628 §3.2: five seconds where it is absent.
    interval: Option<u64>,
}

#[derive(Serialize)]
struct Poll<'a> {
    client_id: &'a str,
    device_code: &'a str,
    grant_type: &'static str,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answered {
    Refused {
        error: String,
        interval: Option<u64>,
    },
    Token {
        access_token: String,
    },
}

impl<T: Clone> Clone for DeviceFlow<T> {
    fn clone(&self) -> Self {
        Self {
            client_id: self.client_id.clone(),
            pages: self.pages.clone(),
            begin: self.begin.clone(),
            poll: self.poll.clone(),
            connection: self.connection.clone(),
        }
    }
}

impl<T> fmt::Debug for DeviceFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceFlow")
            .field("client_id", &self.client_id)
            .field("begin", &self.begin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

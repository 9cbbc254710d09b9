//! GitHub Enterprise Server (GHES) in process, for development and tests.
//!
//! [`Emulator`] is a [`tower::Service`] over HTTP requests: call it in a test, or put it behind a
//! server. It answers `POST /api/v3/applications/{client_id}/token` ("check a token") as GitHub's
//! public documents describe and recordings of public clients show.
//!
//! - A token is good only for the app it was issued to, until it expires or is revoked.
//! - Statuses, bodies, the order of members and the headers are those of the chosen [`Version`].
//! - The [`World`] comes from TOML; the default is the world of GitHub's documents.
//! - Minted tokens are deterministic: two emulators mint the same ones in the same order.
//! - Time is tokio's, so a test with paused time can let tokens expire and faults delay.
//! - [`Fault`]s spoil the next API answers; calls are counted, spoiled or not.
//! - No password, client secret or token is in any `Debug` output.
//!
//! # Control endpoints
//!
//! What [`Emulator`] offers in process is under `/_emulator` as well. Faults never spoil these.
//!
//! | request | JSON body | answer |
//! |---|---|---|
//! | `POST /_emulator/tokens` | `client_id`, `user`, `scopes?`, `expires_in?` in seconds | 201 `{"token": …}` |
//! | `DELETE /_emulator/tokens` | `token` | 204; 404 if unknown |
//! | `POST /_emulator/faults` | `status?`, `delay_ms?`, `body?`, `drop?`, `count?` | 204 |
//! | `DELETE /_emulator/faults` | | 204 |
//! | `GET /_emulator/requests` | | 200 `{"apps/check-token": …}` |
//!
//! # Limits
//!
//! It has no TLS, no rate limits, no private mode, and forgets all when it is dropped. Its control
//! endpoints ask nobody who they are, so it belongs on loopback only.
//!
//! # Example
//!
//! ```
//! use ghes_gatekeeper::emulator::Emulator;
//! use http::{Request, StatusCode};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // As in GitHub's documents: the app `Iv1.8a61f9b3a7aba766` asks about octocat's token.
//! let check = |token: &str| {
//!     Request::post("http://ghes.test/api/v3/applications/Iv1.8a61f9b3a7aba766/token")
//!         .header("authorization", "Basic SXYxLjhhNjFmOWIzYTdhYmE3NjY6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRmODAwNDdmYjNhZWUzY2M3Zg==")
//!         .body(format!(r#"{{"access_token":"{token}"}}"#))
//! };
//!
//! let ghes = Emulator::default();
//! let good = ghes.clone().oneshot(check("e72e16c7e42f292c6912e7710c838347ae178b4a")?).await?;
//! assert_eq!(good.status(), StatusCode::OK);
//!
//! let unknown = ghes.oneshot(check("gho_unknown")?).await?;
//! assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
//! # Ok(())
//! # }
//! ```
mod access_token;
mod applications;
mod authentication;
mod clock;
mod control;
mod faults;
mod model;
mod operation;
mod reply;
mod routes;
mod state;
mod version;
mod world;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower::Service;

pub use self::faults::Fault;
pub use self::operation::Operation;
pub use self::state::MintError;
pub use self::version::{ParseVersionError, Version};
pub use self::world::{World, WorldError};

use self::faults::Outcome;
use self::routes::{ApiRequest, Area, Match};
use self::state::State;

/// A GHES as a [`tower::Service`].
///
/// Clones share all but the version. See the [module docs](crate::emulator) for an example.
#[derive(Clone)]
pub struct Emulator {
    version: Version,
    /// Guards users, apps, tokens, faults and counts; never held while waiting.
    state: Arc<Mutex<State>>,
}

impl Emulator {
    /// Starts a server with this world, as the default [`Version`].
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            version: Version::default(),
            state: Arc::new(Mutex::new(State::new(world))),
        }
    }

    /// Stands for this release of GHES.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Mints a token; without `expires_in` it never expires.
    ///
    /// # Errors
    ///
    /// Fails if the world has no such app or user, or the expiry is no time of the calendar.
    pub fn mint(
        &self,
        client_id: &str,
        login: &str,
        scopes: &[&str],
        expires_in: Option<Duration>,
    ) -> Result<String, MintError> {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self.state().mint(client_id, login, scopes, expires_in)
    }

    /// Revokes a token; returns whether there was one.
    pub fn revoke(&self, token: &str) -> bool {
        self.state().revoke(token)
    }

    /// Queues a fault; each API answer meets the oldest that is not spent.
    pub fn fail(&self, fault: Fault) {
        self.state().fail(fault);
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.state().clear_faults();
    }

    /// Returns how often an operation was called, whatever came of it.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.state().calls(operation)
    }

    async fn exchange<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, ConnectionDropped>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        match Area::of(head.uri.path()) {
            Area::Api(path) => {
                let found = routes::find(&head.method, path);
                self.api(found, head, body).await
            }
            Area::Control(path) => {
                let body = read(body).await?;
                Ok(control::answer(
                    &mut self.state(),
                    &head.method,
                    path,
                    body.as_ref(),
                ))
            }
            Area::Elsewhere => Ok(reply::not_acceptable()),
        }
    }

    async fn api<B>(
        self,
        found: Option<Match>,
        head: Parts,
        body: B,
    ) -> Result<Response<Full<Bytes>>, ConnectionDropped>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let fault = self
            .state()
            .arrive(found.as_ref().map(|found| found.operation));
        let body = read(body).await?;
        let Some(fault) = fault else {
            return Ok(self.truth(found, head, body));
        };
        let (outcome, delay) = fault.into_parts();
        let answer = match outcome {
            // What holds on arrival, so that a late answer can be out of date.
            Outcome::Truth => Ok(self.truth(found, head, body)),
            Outcome::Instead(replacement) => Ok(replacement.into_response()),
            Outcome::Dropped => Err(ConnectionDropped),
        };
        tokio::time::sleep(delay).await;
        answer
    }

    fn truth(
        &self,
        found: Option<Match>,
        head: Parts,
        body: Option<Bytes>,
    ) -> Response<Full<Bytes>> {
        let mut state = self.state();
        let request = ApiRequest::new(self.version, state.next_request(), found, head, body);
        match routes::perform(&request, &state) {
            Ok(body) => reply::ok(&request, body),
            Err(failure) => reply::failure(&request, &failure),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Service<Request<B>> for Emulator
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = ConnectionDropped;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionDropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

impl Default for Emulator {
    /// Starts a server with the world of GitHub's documents.
    fn default() -> Self {
        Self::new(World::default())
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The exchange ended without an answer.
///
/// A server must close the connection, as hyper does when its service fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionDropped;

impl fmt::Display for ConnectionDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the emulator dropped the connection")
    }
}

impl Error for ConnectionDropped {}

/// Reads a body to its end; returns `None` if it is too large.
async fn read<B>(body: B) -> Result<Option<Bytes>, ConnectionDropped>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(Some(collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        // The client went away, so nobody waits for an answer.
        Err(_) => Err(ConnectionDropped),
    }
}

/// 1 MiB, far above every body of these operations: a larger one is a mistake of the test.
const BODY_LIMIT: usize = 1024 * 1024;

//! GitHub Enterprise Server (GHES) in process, for development and tests.
//!
//! [`Emulator`] is a [`tower::Service`] over HTTP requests: call it in a test, or put it behind a
//! server. It answers as GitHub's public documents describe and recordings of public clients show.
//!
//! - Under `/api/v3`: the OAuth applications API (check, reset, scope and delete a token, delete a
//!   grant), the legacy OAuth Authorizations API (grants and authorizations, with login, password
//!   and `X-GitHub-OTP`), `GET /user`, `/user/emails`, `/user/orgs`,
//!   `/user/memberships/orgs/{org}`, `/orgs/{org}/teams/{slug}/memberships/{user}`, `/meta` and `/rate_limit`.
//! - Under `/login`: the web flow (`oauth/authorize`, `oauth/access_token` with refresh) and the
//!   device flow (`device/code`, `device`), with plain pages to approve.
//!
//! It keeps these rules:
//!
//! - A token is good only for the app it was issued to, until it expires or is revoked. A reset
//!   keeps the id and kills the old token. With a grant go all its tokens.
//! - Of one user, app and set of scopes a sign-in leaves ten tokens: the oldest that was never
//!   used gives way, or else the one used least recently.
//! - Ten bad passwords within an hour lock a user out of the legacy API for the rest of it.
//! - Statuses, bodies, the order of members and the headers are those of the chosen [`Version`].
//! - The [`World`] comes from TOML; the default is the world of GitHub's documents.
//! - Tokens and codes are deterministic: two emulators with the same seed make up the same ones in
//!   the same order.
//! - Time is tokio's, so a test with paused time can let tokens expire and faults delay.
//! - [`Fault`]s spoil the next API answers, of all or of one user or token alone; calls are counted,
//!   spoiled or not.
//! - No password, client secret or token is in any `Debug` output.
//!
//! # Control endpoints
//!
//! What [`Emulator`] offers in process is under `/_emulator` as well. Faults never spoil these, and
//! no page of another origin can call them through the browser of a person who runs the emulator.
//!
//! | request | JSON body | answer |
//! |---|---|---|
//! | `POST /_emulator/tokens` | `client_id`, `user`, `scopes?`, `expires_in?` in seconds | 201 `{"token": …}` |
//! | `DELETE /_emulator/tokens` | `token` | 204; 404 if unknown |
//! | `POST /_emulator/faults` | `status?`, `delay_ms?`, `body?`, `drop?`, `count?`, `user?` or `token?` | 204 |
//! | `DELETE /_emulator/faults` | | 204 |
//! | `GET /_emulator/requests` | | 200 `{"apps/check-token": …}` |
//!
//! # Speed
//!
//! One thread answers some 150,000 check-token calls a second in process, and 38,000 behind hyper
//! and a loopback socket with the client on the same thread (AMD EPYC, Rust 1.95). Repeat it with
//! `cargo bench --no-default-features --features emulator --bench emulator`.
//!
//! # Limits
//!
//! It has no TLS and forgets everything when it is dropped. Its control endpoints need no
//! credential, its secrets can be guessed from the seed, and its pages have no session: keep it on
//! loopback. Users, apps, organisations and teams never change. Permissions of GitHub Apps are
//! echoed and not enforced. PKCE parameters are taken and ignored, as no release of GHES in range
//! documents them. It takes any number of new tokens and user codes an hour. Not known of GHES, and
//! so a guess: a client id in the path that is not the caller's is 404, and a token of a suspended
//! user is still good for check-token.
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
mod api;
mod clock;
mod control;
mod directory;
mod faults;
mod login;
mod minter;
mod model;
mod origin;
mod person;
mod routes;
mod scopes;
mod server;
mod state;
mod traffic;
mod version;
mod world;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower::Service;

pub use self::api::operation::Operation;
pub use self::faults::Fault;
pub use self::state::MintError;
pub use self::version::{ParseVersionError, Version};
pub use self::world::{World, WorldError};

use self::api::reply;
use self::api::request::ApiRequest;
use self::faults::Outcome;
use self::person::Person;
use self::routes::{Area, Match};
use self::server::Server;

/// A GHES as a [`tower::Service`].
///
/// Clones share all but the version and the rate limit. See the [module docs](crate::emulator) for
/// an example.
#[derive(Clone)]
pub struct Emulator {
    version: Version,
    /// Requests an hour for each caller; absent without a limit.
    rate_limit: Option<u64>,
    server: Arc<Server>,
}

impl Emulator {
    /// Starts a server with this world, as the default [`Version`].
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            version: Version::default(),
            rate_limit: None,
            server: Arc::new(Server::new(world)),
        }
    }

    /// Stands for this release of GHES.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Makes up all later tokens and codes from this seed, for all clones; without, it is 0.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.server.state().seed(seed);
        self
    }

    /// Limits each app and user to so many API requests an hour, and who has no good credential
    /// to 60 together.
    ///
    /// A GHES has its limits off by default, and so has the emulator.
    #[must_use]
    pub fn with_rate_limit(mut self, requests_per_hour: u64) -> Self {
        self.rate_limit = Some(requests_per_hour);
        self
    }

    /// Mints a token; without `expires_in` it never expires.
    ///
    /// It never makes another token give way, so that a load test has as many as it likes.
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
        self.server.mint(client_id, login, scopes, expires_in)
    }

    /// Revokes a token; returns whether there was one.
    pub fn revoke(&self, token: &str) -> bool {
        self.server.revoke(token)
    }

    /// Queues a fault; each API answer meets the oldest that is not spent, of those that are for it.
    pub fn fail(&self, fault: Fault) {
        self.server.traffic().fail(fault);
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.server.traffic().clear_faults();
    }

    /// Returns how often an operation was called, whatever came of it.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.server.traffic().calls(operation)
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
                Ok(control::answer(&self.server, &head, path, body.as_ref()))
            }
            Area::Login(path) => {
                let body = read(body).await?;
                let (server, version) = (&self.server, self.version);
                Ok(login::answer(server, version, &head, path, body.as_ref()))
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
        let operation = found.as_ref().map(|found| found.operation);
        self.server.traffic().arrive(operation);
        let body = read(body).await?;
        let person = || {
            Person::of(&head.headers, body.as_ref(), |token| {
                self.server.owner(token)
            })
        };
        let fault = self.server.traffic().meet(person);
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
        let number = self.server.traffic().next_request();
        let request = ApiRequest::new(self.version, number, found, head, body);
        api::answer(&request, self.rate_limit, &self.server)
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
        // The client is gone; the answer is not needed.
        Err(_) => Err(ConnectionDropped),
    }
}

/// 1 MiB, far above every body of these operations: a larger one is a mistake of the test.
const BODY_LIMIT: usize = 1024 * 1024;

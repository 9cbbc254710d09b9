//! Middleware that lets in only requests with a good token.
//!
//! A request comes through if all of these hold:
//!
//! 1. It carries exactly one bearer token ([`bearer`](mod@crate::bearer)).
//! 2. The [`Validator`](crate::validator::Validator) says the token is good: its issuer
//!    confirmed it no longer ago than the configured age, and issued it to our app. Of several
//!    [`Validators`](crate::validator::Validators), one for each app, one has to say so, and it is
//!    that one which is asked about everything else.
//! 3. The [`Policy`](crate::policy::Policy) allows this person this method and path. Where it
//!    depends on memberships that are not known, the request waits until they have been asked
//!    for; if they cannot be, it gets 503 and never 403.
//!
//! The inner service then sees the request without the credential and without any header that
//! could be taken for an identity of ours, and with the
//! [`Identity`](crate::identity::Identity) in its extensions, or in headers if you ask for that.
//!
//! Every other request is answered with a response that the [table of
//! rejections](crate::rejection) gives: a problem in JSON (RFC 9457), and to a call of gRPC its
//! status. The body is made of bytes, as
//! [`GatekeeperLayer::with_body`] has it. The [`Rejection`](crate::rejection::Rejection) stands in
//! the response's extensions. Errors of the inner service pass through untouched.
//!
//! A token whose verdict is remembered is decided on inside `call`: without waiting, without an
//! allocation of ours, and without a clone of the inner service. Otherwise the request waits for
//! a check, or for one of each app in turn, which it shares with all other requests that carry the
//! same token.
//!
//! # Deployment
//!
//! Anyone who reads a bearer token can replay it, so clients must reach the gate by TLS.
//! An upstream that is told identities in headers must not be reachable past the gate.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use ghes_gatekeeper::GatekeeperLayer;
//! use ghes_gatekeeper::check::{CheckRequest, InactiveReason, Verdict};
//! use ghes_gatekeeper::identity::{Identity, User};
//! use ghes_gatekeeper::validator::Validator;
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Infallible> {
//! // Stands for a client of GHES.
//! let check = service_fn(async |request: CheckRequest| {
//!     let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default());
//!     Ok::<_, Infallible>(match octocat {
//!         Ok(octocat) if request.token().expose() == "gho_good" => Verdict::Active(octocat),
//!         _ => Verdict::Inactive(InactiveReason::Unknown),
//!     })
//! });
//! let service = ServiceBuilder::new()
//!     .layer(GatekeeperLayer::new(Validator::new(check)))
//!     .service_fn(async |request: Request<()>| {
//!         let identity = request.extensions().get::<Identity>();
//!         let login = identity.map_or("nobody", |identity| identity.user().login());
//!         Ok::<_, Infallible>(Response::new(format!("Hello, {login}!")))
//!     });
//!
//! let request = Request::get("/").header("authorization", "Bearer gho_good");
//! let response = service.clone().oneshot(request.body(()).unwrap()).await?;
//! assert_eq!(response.body(), "Hello, octocat!");
//!
//! let request = Request::get("/").header("authorization", "Bearer gho_bad");
//! let response = service.clone().oneshot(request.body(()).unwrap()).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

mod future;
mod guard;
pub(crate) mod headers;
mod layer;
mod service;
#[cfg(feature = "proxy")]
mod subject;

#[cfg(feature = "proxy")]
pub(crate) use crate::admission::ClientTurns;
#[cfg(feature = "client")]
pub use crate::admission::{ClientAddr, ClientLimit};

pub use self::future::ResponseFuture;
#[cfg(feature = "proxy")]
pub(crate) use self::guard::{Delay, Guard, Observed, Pending};
pub use self::layer::GatekeeperLayer;
pub use self::service::Gatekeeper;
#[cfg(feature = "proxy")]
pub(crate) use self::subject::{CacheUse, Subject};

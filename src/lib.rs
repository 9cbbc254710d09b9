//! Accept GitHub Enterprise Server OAuth tokens in your own tools.
//!
//! Every user of a GitHub Enterprise Server (GHES) already carries OAuth tokens: `gho_` of an OAuth
//! app, `ghu_` of a GitHub App. [`GatekeeperLayer`] is a [Tower](tower) layer that lets in exactly
//! those requests whose bearer token GHES confirms *as one of your own app*, and tells the service
//! behind it who is asking.
//!
//! ```text
//! request ─ bearer ─► hash ─► cache ─┬─ hit ─────────────────► verdict ─┐
//!    │ none, malformed               └─ miss ─ flight ─ check ─► verdict │ no answer
//!    ▼                                                            │      │
//! rejection ◄──────────────── policy ◄────────── admission ◄──────┴──────┘
//!                               │ allowed: credential and look-alikes out, identity in
//!                               ▼
//!                         inner service
//! ```
//!
//! # Guarantees
//!
//! 1. **Bound to your app.** GHES is asked through *check a token*, which knows only the tokens of
//!    one app. Where several apps are yours, it is asked as each of them, one at a time. `GET /user`, which other middleware asks, accepts every token of every app.
//! 2. **"No" and "no answer" are different types.** [`check::Verdict::Inactive`] is what GHES said;
//!    [`check::CheckError`] is that it could not be asked, which clients see as 503 and never as
//!    401.
//! 3. **A revoked token is dead within `active_max_age`** (60 s by default), counted from the
//!    moment GHES was asked.
//! 4. **An outage logs no user out.** A remembered answer stays good until its age ends, and on
//!    request for a bounded time longer. Tokens in use are renewed before that, in the background.
//! 5. **One call.** However many requests carry one unknown token, GHES is asked once for each app.
//! 6. **A hit waits for nothing** and allocates nothing of ours.
//!
//! # An axum app
//!
#![cfg_attr(all(feature = "axum", feature = "client"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "axum", feature = "client")), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use ghes_gatekeeper::ghes::App;
//! use ghes_gatekeeper::{GatekeeperLayer, Identity, validator::Validator};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::new("Iv1.8a61f9b3a7aba766", std::env::var("CLIENT_SECRET")?);
//! let url = "https://ghes.example.com".parse()?;
//! let gate = GatekeeperLayer::new(Validator::for_ghes(&url, &app)?);
//! let hello = async |who: Identity| format!("Hello, {}!", who.user().login());
//! let tool = Router::new().route("/", get(hello)).layer(gate);
//! axum::serve(tokio::net::TcpListener::bind("[::]:3000").await?, tool).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
#![cfg_attr(
    all(feature = "axum", feature = "cli"),
    doc = "- [`manual`]: one chapter for each task, for operators and for Rust developers."
)]
//! - [`gatekeeper`]: the layer, with an example that runs.
#![cfg_attr(
    feature = "client",
    doc = "- [`ghes`]: the client that asks a GHES. Needs the feature `client`."
)]
#![cfg_attr(
    feature = "client",
    doc = "- [`protection`]: limits and breakers around it. Needs the feature `client`."
)]
//! - [`policy`]: rules for the people with good tokens.
//! - [`membership`]: their groups, as far as a policy asks.
//! - [`rejection`]: the response to everyone else.
//! - [`testing`]: a gate with fixed identities for the tests of your own app.
#![cfg_attr(
    feature = "proxy",
    doc = "- [`proxy`]: the same as a program of its own. Needs the feature `proxy`."
)]
#![cfg_attr(
    feature = "session",
    doc = "- [`session`]: login of browsers. Needs the feature `session`."
)]
#![cfg_attr(
    feature = "assertion",
    doc = "- [`assertion`]: signed identity, for services behind it. Needs the feature `assertion`."
)]
#![cfg_attr(
    feature = "emulator",
    doc = "- [`emulator`]: a GHES for tests. Needs the feature `emulator`."
)]
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `client` | the GHES client over hyper-util and rustls |
//! | `assertion` | signed identity for upstreams, and the layer that verifies it |
//! | `axum` | [`Identity`], `Option<Identity>` and `RequireScope` as axum extractors, and clients by `ConnectInfo` |
//! | `emulator` | a GHES in process |
//! | `session` | login of browsers, as a layer |
//! | `proxy` | the reverse proxy and its configuration |
//! | `cli` | the command `ghes-gatekeeper` |
//!
//! All are on by default, so that `cargo run` gives the product; a library user writes
//! `default-features = false, features = ["client"]`. No feature changes what another does.
#![forbid(unsafe_code)]

pub(crate) mod admission;
#[cfg(feature = "assertion")]
pub mod assertion;
#[cfg(feature = "client")]
mod authority;
pub mod bearer;
#[cfg(feature = "proxy")]
mod callers;
mod causes;
pub mod check;
#[cfg(feature = "client")]
mod clock;
#[cfg(feature = "proxy")]
pub mod config;
#[cfg(feature = "client")]
mod connect;
mod counter;
#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "session")]
mod endpoint;
#[cfg(feature = "axum")]
mod extractor;
mod fold;
#[cfg(feature = "proxy")]
mod fronts;
pub mod gatekeeper;
#[cfg(feature = "client")]
pub mod ghes;
#[cfg(feature = "proxy")]
mod hygiene;
pub mod identity;
// It is about the whole product, and only rustdoc uses it.
#[cfg(all(any(doc, doctest), feature = "axum", feature = "cli"))]
pub mod manual;
pub mod membership;
#[cfg(feature = "session")]
mod method_override;
#[cfg(feature = "proxy")]
mod metrics;
#[cfg(feature = "client")]
mod network;
mod path;
pub mod policy;
#[cfg(feature = "client")]
pub mod protection;
#[cfg(feature = "proxy")]
pub mod proxy;
pub mod rejection;
#[cfg(feature = "proxy")]
mod routing;
pub mod scope;
#[cfg(feature = "proxy")]
mod server;
#[cfg(feature = "session")]
pub mod session;
pub mod testing;
mod throttle;
pub mod token;
#[cfg(feature = "proxy")]
mod upstream;
pub mod validator;
#[cfg(feature = "proxy")]
mod watched;
#[cfg(feature = "proxy")]
mod webhook;

#[cfg(feature = "axum")]
pub use self::extractor::{MissingIdentity, RequireScope, RequiredScopes, ScopeRejection};
pub use self::gatekeeper::GatekeeperLayer;
pub use self::identity::Identity;
pub use self::rejection::Rejection;

/// The README's examples, run as tests.
#[cfg(all(doctest, feature = "assertion", feature = "axum", feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

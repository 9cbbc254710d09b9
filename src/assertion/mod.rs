//! Signed identity: how an upstream knows that a request came through the gate.
//!
//! A client that reaches an upstream past the gate can write any header, but no signature. With
//! each request that it lets in, the gate sends a short-lived JWT (RFC 7519) in
//! `X-Gatekeeper-Assertion`, and the upstream refuses requests without one.
//!
//! | claim | says |
//! |---|---|
//! | `iss` | which gate signed |
//! | `aud` | for which upstream; no other may accept it |
//! | `sub` | the user's numeric id, which never changes |
//! | `preferred_username` | the login, which may |
//! | `scope` | the token's scopes, separated by spaces (RFC 8693 §4.2) |
//! | `client_id` | the app that the token was issued to |
//! | `groups` | the groups that let the user in, of those that the route asks for; absent if none |
//! | `htm`, `path` | the request's method (named as in RFC 9449 §4.2) and its path, without the query, as it stands in the request line |
//! | `iat`, `exp` | when it was signed, and until when it may be used |
//!
//! 1. **One algorithm for one key.** The key says which: `EdDSA` for Ed25519, `ES256` for P-256. The
//!    header of a JWT can only agree, so neither `none` nor a MAC can be talked into.
//! 2. **One reading.** Base64 with other bits at its end, unknown members of the header, `crit`, a second
//!    header line: all are refused.
//! 3. **A key is named by its thumbprint** (RFC 7638), and all keys are published, so that one can
//!    follow another without a gap.
//! 4. **An attacker who reads an assertion can repeat that request** to the same upstream until it
//!    expires: same method, same path. Query and body are not signed. Use TLS towards the upstream,
//!    so that no one can read it.
//!
//! # In a Rust upstream
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use ghes_gatekeeper::assertion::{Claims, HEADER, KeySet, Signer, SigningKeys, Verifier, VerifyingLayer};
//! use ghes_gatekeeper::identity::{Identity, User};
//! use http::{Method, Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = "-----BEGIN PRIVATE KEY-----\n\
//! # MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
//! # -----END PRIVATE KEY-----\n";
//! // The gate: it has the keys, and publishes their public halves as /.well-known/jwks.json.
//! let signer = Signer::new("https://gate.example.com", SigningKeys::from_pem(pem.as_bytes())?);
//! let published = signer.key_set().to_json();
//!
//! // The upstream: it has what is published.
//! let keys = KeySet::from_json(published.as_bytes())?;
//! let verifier = Verifier::new("https://gate.example.com", "http://tool.internal:3000", keys);
//! let service = VerifyingLayer::new(verifier).layer(service_fn(async |request: Request<()>| {
//!     let login = request.extensions().get::<Claims>().map(|claims| claims.login.clone());
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(login.unwrap_or_default())))
//! }));
//!
//! let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default())?;
//! let assertion =
//!     signer.sign(&octocat, &Default::default(), "http://tool.internal:3000", &Method::GET, "/notes")?;
//! let signed = Request::get("/notes").header(HEADER, assertion).body(())?;
//! assert_eq!(service.clone().oneshot(signed).await?.status(), StatusCode::OK);
//!
//! let forged = Request::get("/notes").header("x-forwarded-user", "octocat").body(())?;
//! assert_eq!(service.clone().oneshot(forged).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # Why no JWT crate
//!
//! What is needed is one signature over two Base64 strings, and a reading that takes nothing else.
//! Both signatures are [ring](https://docs.rs/ring)'s, which rustls brings along.

mod claims;
mod jws;
#[cfg(feature = "proxy")]
mod key_files;
mod key_set;
mod layer;
mod public_key;
mod signer;
mod signing_keys;
#[cfg(test)]
mod tests;
mod verifier;

use http::HeaderName;

pub use self::claims::Claims;
#[cfg(feature = "proxy")]
pub use self::key_files::{KeyFileError, KeyFiles};
pub use self::key_set::{InvalidKeySet, KeySet};
pub use self::layer::{Verifying, VerifyingFuture, VerifyingLayer};
pub use self::signer::{Signer, SigningError};
pub use self::signing_keys::{InvalidKey, SigningKeys};
pub use self::verifier::{InvalidAssertion, Verifier};

/// The header that carries the JWT.
pub const HEADER: HeaderName = HeaderName::from_static("x-gatekeeper-assertion");

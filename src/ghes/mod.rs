//! The client of GitHub Enterprise Server.
//!
//! [`GhesClient`] asks [check a token], the one endpoint that says whether a token is good *and*
//! was issued to our app. It is a [`CheckService`](crate::check::CheckService), so it can be
//! given to a [`Validator`](crate::validator::Validator) as it is, or inside further layers:
//!
//! ```no_run
//! use ghes_gatekeeper::GatekeeperLayer;
//! use ghes_gatekeeper::ghes::{App, GhesClient, HttpsTransport};
//! use ghes_gatekeeper::validator::Validator;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "https://ghes.example.com".parse()?;
//! let app = App::new("Iv1.8a61f9b3a7aba766", std::env::var("CLIENT_SECRET")?);
//! let client = GhesClient::new(&url, &app, HttpsTransport::new()?)?;
//! let layer = GatekeeperLayer::new(Validator::new(client));
//! # Ok(())
//! # }
//! ```
//!
//! What it guarantees towards GHES and every proxy in between:
//!
//! 1. A request is built from scratch; nothing of a client's request but the token is in it.
//! 2. Redirects are not followed and replies are not decompressed: an encoded one is not believed.
//! 3. A reply is read up to 64 KiB, a page of a list up to 1 MiB. Its `token` member is looked at
//!    only where GHES has just made the token, and goes straight into an
//!    [`AccessToken`](crate::token::AccessToken).
//! 4. Only a reply that has the documented form is believed, and as a verdict only one about our
//!    own app.
//!
//! It is a [`MembershipService`](crate::membership::MembershipService) as well: where a person
//! belongs, it asks with that person's own token.
//!
//! It also has the rest of the [OAuth applications] API: tokens are reset, deleted and narrowed
//! as well. [`AuthorizationsClient`] has the OAuth authorizations API, in which a user lists,
//! makes, changes and deletes authorizations by password.
//!
//! [OAuth applications]: https://docs.github.com/en/enterprise-server/rest/apps/oauth-applications
//! [check a token]: https://docs.github.com/en/enterprise-server/rest/apps/oauth-applications#check-a-token

mod api;
mod client;
mod credentials;
mod error;
mod proxy;
mod url;
mod wire;

pub use self::api::authorization_request::{AuthorizationUpdate, ListOptions, NewAuthorization};
pub use self::api::authorizations::{AuthorizationsClient, AuthorizationsSetupError};
pub use self::api::device_flow::{DeviceCode, DeviceError, DeviceFlow};
pub use self::api::model::{
    Authorization, AuthorizationApp, GetOrCreate, Grant, IssuedToken, ScopedInstallation,
    SimpleUser,
};
pub use self::api::pages::Pages;
pub use self::api::scope_request::ScopeRequest;
pub use self::api::web_flow::{Code, ExchangeError, WebFlow};
pub use self::client::GhesClient;
#[cfg(feature = "proxy")]
pub(crate) use self::credentials::is_client_id;
pub use self::credentials::{App, InvalidApp, UserCredentials};
pub use self::error::ApiError;
pub use self::url::{GhesUrl, InvalidGhesUrl};
pub use self::wire::error_body::FieldError;
pub use self::wire::https::{HttpsError, HttpsTransport};
pub use self::wire::limits::{OtpDelivery, RateLimit};
pub use self::wire::transport::Transport;
pub use crate::connect::{InvalidProxyUrl, InvalidProxyVariable, ProxyUrl};

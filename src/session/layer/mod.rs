//! The login of an app, as a layer around its gate.

mod options;
mod service;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tower::Layer;

pub use self::options::{InvalidSession, SessionOptions};
pub use self::service::{SessionFuture, SessionService};

use super::{Accounts, App, AppClients, Sessions, Used};
use crate::admission::Admission;
use crate::bearer::BearerOptions;
use crate::check::CheckService;
use crate::ghes::{self, GhesClient, GhesUrl, Transport, WebFlow};
use crate::protection::{GhesSetupError, transport_to};
use crate::rejection::Bodies;
use crate::validator::{Purge, Validator};

/// Layer that lets browsers log in at GHES, around a [`GatekeeperLayer`](crate::GatekeeperLayer).
///
/// It answers the paths below the [prefix](SessionOptions::with_prefix) itself. For every other
/// request it gives the gate the token of the browser's session, and shows people a page or sends
/// them to log in where the gate rejects them. Who sends a token sees no difference.
///
/// It goes around whatever asks for a login, and the gate inside it:
///
#[cfg_attr(feature = "axum", doc = "```no_run")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::{Router, routing::get};
/// use ghes_gatekeeper::ghes::App;
/// use ghes_gatekeeper::session::{SessionLayer, SessionOptions};
/// use ghes_gatekeeper::{GatekeeperLayer, Identity, validator::Validator};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::new("Iv1.8a61f9b3a7aba766", std::env::var("CLIENT_SECRET")?);
/// let url = "https://ghes.example.com".parse()?;
/// let validator = Validator::for_ghes(&url, &app)?;
/// let key = std::env::var("SESSION_KEY")?;
/// let login = SessionOptions::new("https://tool.example.com", key)?;
/// let hello = async |who: Identity| format!("Hello, {}!", who.user().login());
/// let tool: Router = Router::new()
///     .route("/", get(hello))
///     .layer(GatekeeperLayer::new(validator.clone()))
///     .layer(SessionLayer::for_ghes(&url, &app, &validator, login)?);
/// # Ok(())
/// # }
/// ```
///
/// A session ends when its token does: with a sign-out, which revokes it, or as soon as the
/// validator hears that GHES knows the token no more. `userinfo` tells no groups. Hand-overs and logins that are used up are
/// known to one process; several that share a key share the sessions all the same.
#[derive(Clone)]
#[must_use]
pub struct SessionLayer {
    login: Arc<Login>,
    bodies: Bodies,
}

/// The logins of the app, and who is asked about them.
struct Login {
    sessions: Sessions,
    accounts: Box<dyn Accounts>,
}

impl SessionLayer {
    /// Logs people in by `app` of the GHES at `url`, whose tokens `validator` checks: the one of the
    /// gate inside.
    ///
    /// It reaches GHES as [`Validator::for_ghes`] does.
    ///
    /// # Errors
    ///
    /// Returns [`GhesSetupError`] if the client id cannot stand in a path, the environment names a
    /// proxy that cannot be used, or TLS cannot be set up.
    pub fn for_ghes<C: CheckService>(
        url: &GhesUrl,
        app: &ghes::App,
        validator: &Validator<C>,
        options: SessionOptions,
    ) -> Result<Self, GhesSetupError> {
        let transport = transport_to(url)?;
        Self::for_ghes_over(url, app, validator, options, transport)
    }

    /// Does the same over connections of your own, or an emulator.
    ///
    /// # Errors
    ///
    /// Returns [`GhesSetupError`] if the client id cannot stand in a path.
    pub fn for_ghes_over<C: CheckService>(
        url: &GhesUrl,
        app: &ghes::App,
        validator: &Validator<C>,
        options: SessionOptions,
        transport: impl Transport,
    ) -> Result<Self, GhesSetupError> {
        let client_id = app.client_id().map_err(GhesSetupError::new)?;
        let clients = AppClients {
            flow: WebFlow::new(url, app, transport.clone()).map_err(GhesSetupError::new)?,
            client: GhesClient::new(url, app, transport).map_err(GhesSetupError::new)?,
        };
        let forgetting = validator.clone();
        let accounts = App {
            clients: Some(clients),
            admission: Admission::new(validator.clone().into()),
            bearer: BearerOptions::default(),
            named: Vec::new(),
            forget: Box::new(move |hash| {
                forgetting.purge(&Purge::Token(hash));
            }),
        };
        let keys = options.keys();
        let options = options.at(&url.to_string(), client_id);
        Ok(Self {
            login: Arc::new(Login {
                sessions: Sessions::new(options, keys, Used::default()),
                accounts: Box::new(accounts),
            }),
            bodies: Bodies::default(),
        })
    }

    /// Sets how the body of a page is made of bytes, for a service whose bodies are `B`.
    ///
    /// Needed only for bodies of your own: see
    /// [`GatekeeperLayer::with_body`](crate::GatekeeperLayer::with_body).
    pub fn with_body<B: 'static>(self, make: fn(Bytes) -> B) -> Self {
        Self {
            bodies: Bodies::by(make),
            ..self
        }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, self.clone())
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions = &self.login.sessions;
        f.debug_tuple("SessionLayer").field(sessions).finish()
    }
}

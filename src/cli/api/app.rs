use std::time::Duration;

use clap::Args;
use ghes_gatekeeper::config::GhesConfig;
use ghes_gatekeeper::ghes::{ApiError, Authorization, GhesClient, HttpsTransport, SimpleUser};
use ghes_gatekeeper::token::AccessToken;
use http::{HeaderValue, StatusCode};
use secrecy::SecretString;

use super::config::{ConfigArgument, pick_app, transport};
use super::refusal::{Asked, Caller};
use crate::cli::Failure;
use crate::cli::terminal::{escaped, secret};

/// The app that a command acts for.
#[derive(Args, Debug)]
pub(crate) struct AppArguments {
    #[command(flatten)]
    config: ConfigArgument,

    /// The client id of the configured app to use, if there are several.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

impl AppArguments {
    /// Makes the client; nothing is sent yet.
    pub(crate) fn client(&self) -> Result<AppClient, Failure> {
        AppClient::new(&self.config.load()?, self.client_id.as_deref())
    }
}

/// Where GHES is, for commands that have a client id of their own.
#[derive(Args, Debug)]
pub(crate) struct AnyAppArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

impl AnyAppArguments {
    /// Makes a client that asks as the first app of the server; nothing is sent yet.
    pub(crate) fn client(&self) -> Result<AppClient, Failure> {
        let config = self.config.load()?;
        let first = config.apps.first().map(|app| &*app.client_id);
        AppClient::new(&config, first)
    }
}

/// GHES, asked on behalf of an app.
pub(crate) struct AppClient {
    client: GhesClient<HttpsTransport>,
    asked: Asked,
}

impl AppClient {
    /// Makes the client for the app with this client id, or the only one.
    pub(super) fn new(config: &GhesConfig, client_id: Option<&str>) -> Result<Self, Failure> {
        let app = pick_app(config, client_id)?;
        let failed = |error| Failure::usage(format!("ghes.apps: {error}"));
        let mut client = GhesClient::new(&config.url, &app, transport(config)?)
            .map_err(failed)?
            .with_timeout(TIMEOUT);
        if let Some(version) = &config.api_version {
            let version = HeaderValue::try_from(version)
                .map_err(|error| Failure::usage(format!("ghes.api_version: {error}")))?;
            client = client.with_api_version(version);
        }
        Ok(Self {
            client,
            asked: Asked::new(config, Caller::App),
        })
    }

    /// Reads the token that the command is about.
    pub(crate) fn read_token(&mut self) -> Result<AccessToken, Failure> {
        let token = secret::token()?;
        self.asked.withhold(SecretString::from(token.expose()));
        Ok(token)
    }

    /// Makes a call that changes something; `what` is what its failure means.
    pub(crate) async fn change<R>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&GhesClient<HttpsTransport>) -> Result<R, ApiError>,
    ) -> Result<R, Failure> {
        let reply = call(&self.client).await;
        reply.map_err(|error| self.asked.failure_of_change(what, &error))
    }

    /// Makes a call that changes nothing; `what` is what its failure means.
    pub(crate) async fn call<R>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&GhesClient<HttpsTransport>) -> Result<R, ApiError>,
    ) -> Result<R, Failure> {
        let reply = call(&self.client).await;
        reply.map_err(|error| self.asked.failure(what, &error))
    }

    /// Looks up a person.
    pub(crate) async fn user(&self, login: &str) -> Result<SimpleUser, Failure> {
        let user = self.client.get_user(login).await;
        user.map_err(|error| match error.status_code() {
            Some(StatusCode::NOT_FOUND) => Failure::refused(format!(
                "GHES knows no user {}; check the login, or give the id",
                escaped(login)
            )),
            _ => self.asked.failure("cannot look up the user", &error),
        })
    }

    /// Looks up what a question has to name.
    pub(crate) async fn look_up(&self, token: &AccessToken) -> Result<Authorization, Failure> {
        let call = async |client: &GhesClient<_>| client.check_token(token).await;
        self.call("cannot look up the token", call).await
    }
}

/// A person waits, once. That is more patience than the gate has, which makes thousands wait, and
/// outlasts a directory service that GHES itself has to ask for passwords.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

use std::path::PathBuf;

use clap::Args;
use ghes_gatekeeper::config::GhesConfig;
use ghes_gatekeeper::ghes::{
    ApiError, AuthorizationsClient, HttpsTransport, OtpDelivery, Pages, UserCredentials,
};
use http::HeaderValue;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::app::TIMEOUT;
use super::config::{ConfigArgument, transport};
use super::refusal::{Asked, Caller};
use crate::cli::Failure;
use crate::cli::terminal::secret;

/// The user that a command acts for.
#[derive(Args, Debug)]
pub(crate) struct UserArguments {
    #[command(flatten)]
    config: ConfigArgument,

    /// The user's login. The password comes from standard input, or from a prompt on a terminal.
    #[arg(long, value_name = "LOGIN")]
    user: String,

    /// A file with the password and nothing else, instead of standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// A one-time password, if GHES requires one; without it, a terminal prompts for it.
    #[arg(long, value_name = "CODE", value_parser = otp)]
    otp: Option<SecretString>,
}

impl UserArguments {
    pub(crate) fn login(&self) -> &str {
        &self.user
    }

    /// Reads where GHES is.
    pub(crate) fn config(&self) -> Result<GhesConfig, Failure> {
        let config = self.config.load()?;
        if config.url.is_enterprise_server() {
            return Ok(config);
        }
        Err(Failure::usage(format!(
            "ghes.url: {} has no OAuth authorizations API; only GHES has it, \
             and neither github.com nor GHE.com",
            config.url
        )))
    }

    /// Reads the password; nothing is sent yet.
    pub(crate) fn sign_in(&self, config: &GhesConfig) -> Result<User, Failure> {
        let password = secret::password(&self.user, self.password_file.as_deref())?;
        let mut asked = Asked::new(config, Caller::User(self.user.clone()));
        for secret in [Some(&password), self.otp.as_ref()].into_iter().flatten() {
            asked.withhold(secret.clone());
        }
        let client = self.client(config, password)?;
        Ok(User { client, asked })
    }

    fn client(
        &self,
        config: &GhesConfig,
        password: SecretString,
    ) -> Result<AuthorizationsClient<HttpsTransport>, Failure> {
        let credentials = UserCredentials::new(&self.user, password);
        let failed = |error| Failure::usage(format!("--user: {error}"));
        let mut client = AuthorizationsClient::new(&config.url, &credentials, transport(config)?)
            .map_err(failed)?
            .with_timeout(TIMEOUT);
        if let Some(version) = &config.api_version {
            let version = HeaderValue::try_from(version)
                .map_err(|error| Failure::usage(format!("ghes.api_version: {error}")))?;
            client = client.with_api_version(version);
        }
        match &self.otp {
            Some(otp) => client
                .with_otp(otp.clone())
                .map_err(|error| Failure::usage(format!("--otp: {error}"))),
            None => Ok(client),
        }
    }
}

/// GHES, asked by a user with a password.
pub(crate) struct User {
    client: AuthorizationsClient<HttpsTransport>,
    asked: Asked,
}

impl User {
    /// Makes a call that changes nothing; `what` is what its failure means.
    pub(crate) async fn call<R>(
        &mut self,
        what: &str,
        call: impl AsyncFn(&AuthorizationsClient<HttpsTransport>) -> Result<R, ApiError>,
    ) -> Result<R, Failure> {
        let reply = self.reply(call).await?;
        reply.map_err(|error| self.asked.failure(what, &error))
    }

    /// Makes a call that changes something; `what` is what its failure means.
    pub(crate) async fn change<R>(
        &mut self,
        what: &str,
        call: impl AsyncFn(&AuthorizationsClient<HttpsTransport>) -> Result<R, ApiError>,
    ) -> Result<R, Failure> {
        let reply = self.reply(call).await?;
        reply.map_err(|error| self.asked.failure_of_change(what, &error))
    }

    /// Makes a call, and repeats it if GHES wants a one-time password and a person is there to type
    /// it.
    async fn reply<R>(
        &mut self,
        call: impl AsyncFn(&AuthorizationsClient<HttpsTransport>) -> Result<R, ApiError>,
    ) -> Result<Result<R, ApiError>, Failure> {
        let reply = call(&self.client).await;
        match reply.as_ref().err().and_then(ApiError::otp_required) {
            Some(delivery) if self.ask_otp(delivery)? => Ok(call(&self.client).await),
            _ => Ok(reply),
        }
    }

    /// Fetches a list to its end, or as much of it as is wanted.
    pub(crate) async fn list<R: DeserializeOwned>(
        &mut self,
        what: &str,
        limit: usize,
        list: impl Fn(&AuthorizationsClient<HttpsTransport>) -> Pages<HttpsTransport, R>,
    ) -> Result<Vec<R>, Failure> {
        self.call(what, async |client| first(list(client), limit).await)
            .await
    }

    /// Tells whether a one-time password was given.
    fn ask_otp(&mut self, delivery: OtpDelivery) -> Result<bool, Failure> {
        let Some(otp) = secret::one_time_password(delivery) else {
            return Ok(false);
        };
        self.client = self
            .client
            .clone()
            .with_otp(otp)
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok(true)
    }
}

async fn first<R: DeserializeOwned>(
    mut pages: Pages<HttpsTransport, R>,
    limit: usize,
) -> Result<Vec<R>, ApiError> {
    let mut items = Vec::new();
    while items.len() < limit
        && let Some(page) = pages.next_page().await?
    {
        items.extend(page);
    }
    items.truncate(limit);
    Ok(items)
}

fn otp(code: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(code))
}

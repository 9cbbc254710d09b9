use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NoAnswer, ask, http_url};
use crate::cli::Failure;
use crate::cli::answer::print_done;
use crate::cli::api::AnyAppArguments;
use crate::cli::failure::chain;
use crate::cli::terminal::{escaped, secret};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ghes-gatekeeper purge --user-id 1
  ghes-gatekeeper purge --login octocat --config gatekeeper.toml
  ghes-gatekeeper purge --all --url http://10.0.0.1:9901 --url http://10.0.0.2:9901 --secret-file /run/secrets/admin

The gate forgets what it knows of these tokens, and asks GHES when they come again. Nothing is
revoked: a token that GHES still takes is admitted again.
Exits with 0 if every gate has done it, 1 if one refused, 2 for usage and configuration, and 3 if
one, or GHES, could not be asked.")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    tokens: Tokens,

    /// The admin listener of a running gate; give it again for each further gate.
    #[arg(long, value_name = "URL", value_parser = url, default_value = "http://127.0.0.1:9901")]
    url: Vec<Uri>,

    /// A file with the secret of [admin], where the gate has one.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    ghes: AnyAppArguments,
}

/// Which tokens are forgotten.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Tokens {
    /// All tokens of the user with this id.
    #[arg(long, value_name = "N")]
    user_id: Option<u64>,

    /// All tokens of the user with this login, whose id GHES is asked for.
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,

    /// The token with this SHA-256, in hex or base64, as in GHES's audit log.
    #[arg(long, value_name = "HASH")]
    hashed_token: Option<String>,

    /// The token of this authorization.
    #[arg(long, value_name = "N")]
    authorization_id: Option<u64>,

    /// All tokens of the app with this client id.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// All tokens.
    #[arg(long)]
    all: bool,
}

pub(in crate::cli) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let secret = arguments.secret_file.as_deref().map(secret::from_file);
    let secret = secret.transpose()?;
    let authorization = secret.as_ref().map(bearer).transpose()?;
    let purge = arguments.tokens.purge(&arguments.ghes).await?;
    let mut failed: Result<(), Failure> = Ok(());
    for url in &arguments.url {
        match purge_at(url, &purge, authorization.clone()).await {
            Ok(purged) => {
                let tokens = if purged == 1 { "token" } else { "tokens" };
                print_done(&format!("{url}: {purged} {tokens} forgotten"))?;
            }
            // The others are asked all the same.
            Err(failure) => {
                failed = Err(match failed {
                    Ok(()) => failure,
                    Err(before) => before.and(&failure),
                });
            }
        }
    }
    failed
}

impl Tokens {
    async fn purge(&self, ghes: &AnyAppArguments) -> Result<Value, Failure> {
        if let Some(login) = &self.login {
            let user = ghes.client()?.user(login).await?;
            return Ok(json!({ "user_id": user.id }));
        }
        let named = [
            self.user_id.map(|id| json!({ "user_id": id })),
            self.authorization_id
                .map(|id| json!({ "authorization_id": id })),
            self.hashed_token
                .as_ref()
                .map(|hash| json!({ "hashed_token": hash })),
            self.client_id.as_ref().map(|id| json!({ "client_id": id })),
        ];
        let named = named.into_iter().flatten().next();
        Ok(named.unwrap_or_else(|| json!({ "all": true })))
    }
}

fn bearer(secret: &SecretString) -> Result<HeaderValue, Failure> {
    let bearer = format!("Bearer {}", secret.expose_secret().trim());
    let mut bearer = HeaderValue::try_from(bearer)
        .map_err(|_| Failure::usage("--secret-file: the secret has a character that none has"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

async fn purge_at(
    url: &Uri,
    purge: &Value,
    authorization: Option<HeaderValue>,
) -> Result<u64, Failure> {
    let mut request = Request::post(format!("{}/purge", url.to_string().trim_end_matches('/')))
        .header(CONTENT_TYPE, "application/json");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::<Bytes>::from(purge.to_string()));
    let request = request.map_err(|error| Failure::usage(format!("{url}: {error}")))?;
    match ask(request, PATIENCE).await {
        Ok((status, body)) => answer(url, status, &body),
        Err(NoAnswer::Failed(error)) => Err(Failure::unavailable(chain(&url.to_string(), &error))),
        Err(NoAnswer::TooLate(patience)) => Err(Failure::unavailable(format!(
            "{url}: no answer within {patience:?}"
        ))),
    }
}

fn answer(url: &Uri, status: StatusCode, body: &[u8]) -> Result<u64, Failure> {
    if status == StatusCode::OK
        && let Ok(Purged { purged }) = serde_json::from_slice(body)
    {
        return Ok(purged);
    }
    let problem = serde_json::from_slice(body).ok();
    let detail = problem.map(|Problem { detail }| format!(": {}", escaped(&detail)));
    let cure = match status {
        StatusCode::UNAUTHORIZED => "; give --secret-file with the secret of [admin]",
        _ if detail.is_none() => "; is that the admin listener of a gate?",
        _ => "",
    };
    let detail = detail.unwrap_or_default();
    Err(Failure::refused(format!(
        "{url}: answered {status}{detail}{cure}"
    )))
}

#[derive(Deserialize)]
struct Purged {
    purged: u64,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

fn url(text: &str) -> Result<Uri, &'static str> {
    let url = http_url(text).ok_or(NOT_A_URL)?;
    match url.path() {
        "/" | "" if url.query().is_none() => Ok(url),
        _ => Err(NOT_A_URL),
    }
}

const NOT_A_URL: &str = "write it like http://127.0.0.1:9901, without a path";

const PATIENCE: Duration = Duration::from_secs(10);

//! `login`: a token for the command line, by the device flow.

mod kept;
mod shown;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ghes_gatekeeper::ghes::{
    ApiError, DeviceCode, DeviceError, DeviceFlow, GhesUrl, HttpsTransport, ProxyUrl,
};
use ghes_gatekeeper::scope::{Scope, Scopes};

pub(super) use self::kept::{Kept, KeptToken, Wanted};
use self::shown::Shown;
use super::Failure;
use super::failure::chain;
use super::logging::LogFormat;
use super::terminal::escaped;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper login --ghes https://ghes.example.com --client-id Iv1.8a61f9b3a7aba766

It shows a code, and waits until you have typed it in at GHES. The token is kept in
$XDG_STATE_HOME/ghes-gatekeeper/tokens.json (~/.local/state/...), which you alone can read. Use it as in

  curl --oauth2-bearer \"$(ghes-gatekeeper token print)\" https://tool.example.com/

Exits with 1 if you or GHES say no, and with 3 if GHES cannot be asked. The app needs the device flow.")]
pub(super) struct Arguments {
    /// The GHES, as people open it in a browser.
    #[arg(long, value_name = "URL")]
    ghes: GhesUrl,

    /// The client id of the app; no secret is needed.
    #[arg(long, value_name = "ID")]
    client_id: String,

    /// The scopes that the app asks for, as in read:org,repo; none where it is a GitHub App.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    scopes: Vec<Scope>,

    /// A certificate authority to trust beside those of the system.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, format: LogFormat) -> Result<(), Failure> {
    if arguments.ghes.is_exposed() {
        return Err(Failure::usage(
            "--ghes: must be https://; others could read the token",
        ));
    }
    // Before anybody is asked anything: a token that cannot be kept is of no use.
    let mut kept = Kept::open()?;
    let flow = arguments.flow()?;
    let scopes: Scopes = arguments.scopes.iter().cloned().collect();
    let signing_in = sign_in(&flow, &scopes, Shown::new(format));
    let signed_in = tokio::select! {
        signed_in = signing_in => signed_in.map_err(|error| arguments.failure(&error))?,
        _ = tokio::signal::ctrl_c() => {
            return Err(Failure::negative("not signed in; nothing was kept"));
        }
    };
    let (token, login) = signed_in;
    kept.keep(KeptToken {
        ghes: arguments.ghes.to_string(),
        client_id: arguments.client_id,
        login: login.clone(),
        token,
    })?;
    Shown::new(format).signed_in(&login);
    Ok(())
}

async fn sign_in(
    flow: &DeviceFlow<HttpsTransport>,
    scopes: &Scopes,
    shown: Shown,
) -> Result<(String, String), DeviceError> {
    let code: DeviceCode = flow.begin(scopes).await?;
    shown.code(&code);
    let token = flow.wait(&code).await?;
    let person = flow.user(&token).await?;
    Ok((token.expose().to_owned(), person.login))
}

impl Arguments {
    fn flow(&self) -> Result<DeviceFlow<HttpsTransport>, Failure> {
        let transport = match &self.ca_file {
            Some(file) => HttpsTransport::with_ca_file(file),
            None => HttpsTransport::new(),
        };
        let transport = transport.map_err(|error| Failure::usage(chain("--ca-file", &error)))?;
        let proxy = ProxyUrl::from_environment(&self.ghes);
        let proxy = proxy.map_err(|error| Failure::usage(error.to_string()))?;
        let transport = match proxy {
            Some(proxy) => transport.with_proxy(proxy),
            None => transport,
        };
        let flow = DeviceFlow::new(&self.ghes, &self.client_id, transport);
        flow.map_err(|error| Failure::usage(format!("--client-id: {error}")))
    }

    fn failure(&self, error: &DeviceError) -> Failure {
        let id = escaped(&self.client_id);
        match error {
            DeviceError::Disabled => Failure::refused(format!(
                "the app {id} has no device flow; have its owner enable it in the settings of the app"
            )),
            DeviceError::Denied => Failure::refused("you have canceled the sign-in at GHES"),
            DeviceError::Expired => {
                Failure::refused("nobody has typed in the code in time; begin again")
            }
            DeviceError::Refused(word) => Failure::refused(format!("GHES says no: {word}")),
            DeviceError::Api(error) => self.unavailable(error),
            _ => Failure::refused(error.to_string()),
        }
    }

    fn unavailable(&self, error: &ApiError) -> Failure {
        let is_unknown = error.status_code().is_some_and(|status| status == 404);
        let what = match is_unknown {
            true => format!("{} knows no app {}", self.ghes, self.client_id),
            false => format!("cannot sign in at {}", self.ghes),
        };
        let text = chain(&what, error);
        match is_unknown {
            true => Failure::refused(escaped(&text)),
            false => Failure::unavailable(escaped(&text)),
        }
    }
}

/// How often GHES is asked is in its own hands; this is for the words alone.
pub(super) fn minutes(left: Duration) -> u64 {
    left.as_secs().div_ceil(60)
}

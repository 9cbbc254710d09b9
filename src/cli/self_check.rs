use std::time::Duration;

use futures_util::future::join_all;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::proxy::{IssuerApp, Proxy};

use super::failure::chain;

/// Asks each GHES as each app until it answers, so that the operator learns at once what
/// clients would run into, and so that the proxy becomes ready even if no client comes.
pub(super) async fn run(proxy: Proxy) {
    join_all(proxy.apps().map(ask_until_answered)).await;
}

async fn ask_until_answered(app: &IssuerApp) {
    let mut told = None;
    let mut wait = SHORTEST_WAIT;
    loop {
        let outcome = app.ask().await.map_err(|error| {
            let kind = error.kind();
            // What is wrong is said once, until something else is.
            if told.replace(kind) != Some(kind) {
                warn(app, &error);
            }
            kind
        });
        match outcome {
            Ok(()) => return accepted(app),
            // This is an answer; what holds back further calls also finds out when to make them.
            Err(CheckErrorKind::CredentialsRefused) => return,
            // A wrong password that a proxy gets too often may lock its account.
            Err(CheckErrorKind::ProxyRefused) => tokio::time::sleep(PROXY_WAIT).await,
            Err(_) => tokio::time::sleep(wait).await,
        }
        wait = LONGEST_WAIT.min(2 * wait);
    }
}

fn accepted(app: &IssuerApp) {
    tracing::info!(
        ghes.name = app.ghes(),
        app.client_id = app.client_id(),
        "{} answers, and accepts the app's credentials",
        app.url(),
    );
}

fn warn(app: &IssuerApp, error: &CheckError) {
    tracing::warn!(
        ghes.name = app.ghes(),
        app.client_id = app.client_id(),
        "{}; {}",
        chain(&format!("{} cannot be asked yet", app.url()), error),
        cure(error.kind()),
    );
}

/// As long as a client is told to wait.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Balancers notice within this time that GHES is there, and a hundred gates cost it ten calls a
/// second.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Directories lock an account after some three to ten wrong passwords within half an hour; the
/// refusal must be mended by hand, whatever we do.
const PROXY_WAIT: Duration = Duration::from_secs(10 * 60);

fn cure(kind: CheckErrorKind) -> &'static str {
    match kind {
        CheckErrorKind::CredentialsRefused => {
            "compare client_id and client_secret in [[ghes.apps]] with the app's page on GHES"
        }
        CheckErrorKind::AppMismatch
        | CheckErrorKind::DoubtfulResponse
        | CheckErrorKind::Redirect
        | CheckErrorKind::TooLarge
        | CheckErrorKind::UnexpectedResponse => {
            "see whether ghes.url is the address that people open in a browser"
        }
        CheckErrorKind::Forbidden => "see whether the app is suspended, or our address not allowed",
        CheckErrorKind::ProxyRefused => {
            "see whether ghes.proxy has the right user name and password, and may connect there"
        }
        CheckErrorKind::Tls => "see whether ghes.ca_file has the authority of its certificate",
        _ => "until it can, clients without a remembered token get 503",
    }
}

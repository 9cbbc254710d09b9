use futures_util::future::join_all;
use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::proxy::{IssuerApp, Proxy};

/// Asks each GHES once as each app, so that whoever starts the proxy learns at once what clients
/// would run into.
///
/// Nothing depends on the outcome: a proxy that starts during an outage is of use when it ends.
pub(super) async fn run(proxy: Proxy) {
    join_all(proxy.apps().map(ask)).await;
}

async fn ask(app: &IssuerApp) {
    let (ghes, name, client_id) = (app.url(), app.ghes(), app.client_id());
    match app.ask().await {
        Ok(()) => tracing::info!(
            ghes.name = name,
            app.client_id = client_id,
            "{ghes} answers, and accepts the app's credentials"
        ),
        Err(error) => tracing::warn!(
            ghes.name = name,
            app.client_id = client_id,
            "{ghes} cannot be asked yet: {error}; {}",
            cure(error.kind())
        ),
    }
}

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
        CheckErrorKind::Tls => "see whether ghes.ca_file has the authority of its certificate",
        _ => "until it can, clients without a remembered token get 503",
    }
}

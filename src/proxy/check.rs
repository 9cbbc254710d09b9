use http::HeaderValue;
use secrecy::SecretString;
use tower::{BoxError, Layer};

use super::Check;
use super::config::GhesConfig;
use super::metrics::Metrics;
use crate::ghes::{App, GhesClient, HttpsTransport, InvalidApp};
use crate::protection::{Protection, ProtectionMonitor};

/// Makes the client of the configured GHES, measures each call that it makes, and protects it.
pub(super) fn protected_check(
    ghes: &GhesConfig,
    metrics: &Metrics,
) -> Result<(Check, ProtectionMonitor), BoxError> {
    let transport = match &ghes.ca_file {
        Some(file) => HttpsTransport::with_ca_file(file)?,
        None => HttpsTransport::new()?,
    };
    let [app] = ghes.apps.as_slice() else {
        return Err("the proxy needs exactly one app; see ghes.apps".into());
    };
    let version = ghes.api_version.as_ref().map(HeaderValue::try_from);
    let version = version.transpose()?;
    let client = |secret: &SecretString| -> Result<_, InvalidApp> {
        let app = App::new(&app.client_id, secret.clone());
        let client = GhesClient::new(&ghes.url, &app, transport.clone())?;
        let client = match &version {
            Some(version) => client.with_api_version(version.clone()),
            None => client,
        };
        Ok(metrics.of_calls().layer(client))
    };
    let current = client(&app.client_secret)?;
    let next = app.client_secret_next.as_ref().map(client).transpose()?;
    let protection = Protection::new().with_limits(ghes.limits);
    Ok(protection.protect(current, next))
}

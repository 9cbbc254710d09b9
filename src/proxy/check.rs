use http::HeaderValue;
use secrecy::SecretString;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer};

use super::config::GhesConfig;
use super::explain::{AskedApp, Witness};
use super::metrics::Metrics;
use super::{Check, Memberships};
use crate::ghes::{App, GhesClient, HttpsTransport, InvalidApp};
use crate::protection::{Protection, ProtectionMonitor};

/// Who is asked about tokens, and about the people behind them.
pub(super) struct Issuer {
    pub(super) check: Check,
    pub(super) memberships: Option<Memberships>,
    pub(super) protection: Option<ProtectionMonitor>,
}

impl Issuer {
    /// Lets a witness note what is asked, outside of whatever limits or repeats the calls.
    pub(super) fn watched_by(self, witness: &Witness, app: &AskedApp) -> Self {
        let witness = witness.of(app.clone());
        Self {
            check: BoxCloneSyncService::new(witness.layer(self.check)),
            memberships: self
                .memberships
                .map(|memberships| BoxCloneSyncService::new(witness.layer(memberships))),
            protection: self.protection,
        }
    }
}

/// Names the app whose tokens are good.
pub(super) fn asked_app(ghes: &GhesConfig) -> AskedApp {
    let client_id = ghes.apps.first().map(|app| app.client_id.clone());
    AskedApp {
        ghes: ghes.url.authority().to_owned(),
        client_id: client_id.unwrap_or_default(),
    }
}

/// Makes the client of the configured GHES, measures each call that it makes, and protects it.
pub(super) fn protected_issuer(ghes: &GhesConfig, metrics: &Metrics) -> Result<Issuer, BoxError> {
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
    // Memberships are asked with the user's token, so that the app's secret does not matter.
    let memberships = current.clone();
    let (check, memberships, protection) =
        protection.protect_with_memberships(current, next, memberships);
    Ok(Issuer {
        check,
        memberships: Some(memberships),
        protection: Some(protection),
    })
}

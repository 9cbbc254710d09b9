use http::HeaderValue;
use secrecy::SecretString;
use tower::BoxError;

use super::issuers::Services;
use super::metrics::Metrics;
use super::secret_files::SecretFiles;
use crate::config::{AppConfig, GhesConfig};
use crate::ghes::{App, GhesClient, HttpsError, HttpsTransport, InvalidApp};
use crate::protection::{IssuerProtection, Protection, ProtectionMonitor};
use crate::proxy::Check;

/// Makes the clients of a configured GHES, and protects them; each call is measured.
pub(in crate::proxy) fn protected_services(
    ghes: &GhesConfig,
    metrics: &Metrics,
    secrets: &SecretFiles,
) -> Result<Services, BoxError> {
    let protection = Protection::new()
        .with_limits(ghes.limits)
        .with_observer(metrics.clone())
        .of_issuer();
    let clients = Clients::new(ghes)?;
    let checks = ghes.apps.iter();
    let checks = checks.map(|app| clients.check(app, &protection, secrets));
    let checks = checks.collect::<Result<Vec<_>, InvalidApp>>()?;
    let [app, ..] = ghes.apps.as_slice() else {
        return Err(format!("{} has no app; see ghes.apps", ghes.name).into());
    };
    // Memberships are asked with the user's token, so that the app and its secret do not matter.
    let memberships = clients.client(app, &app.client_secret)?;
    Ok(Services {
        checks,
        memberships: Some(protection.protect_memberships(memberships)),
    })
}

/// The state that the clients of one GHES share: its address, connections and version.
struct Clients<'c> {
    ghes: &'c GhesConfig,
    transport: HttpsTransport,
    version: Option<HeaderValue>,
}

impl GhesConfig {
    /// Makes the transport to the server by its configuration: trusted roots, and proxy.
    ///
    /// # Errors
    ///
    /// Returns [`HttpsError`] if `ca_file` cannot be used any more, or TLS cannot be set up.
    pub fn transport(&self) -> Result<HttpsTransport, HttpsError> {
        let transport = match &self.ca_file {
            Some(file) => HttpsTransport::with_ca_file(file)?,
            None => HttpsTransport::new()?,
        };
        Ok(match &self.proxy {
            Some(proxy) => transport.with_proxy(proxy.clone()),
            None => transport,
        })
    }
}

type Client = GhesClient<HttpsTransport>;

impl<'c> Clients<'c> {
    fn new(ghes: &'c GhesConfig) -> Result<Self, BoxError> {
        let version = ghes.api_version.as_ref().map(HeaderValue::try_from);
        Ok(Self {
            ghes,
            transport: ghes.transport()?,
            version: version.transpose()?,
        })
    }

    fn check(
        &self,
        app: &AppConfig,
        protection: &IssuerProtection,
        secrets: &SecretFiles,
    ) -> Result<(Check, Option<ProtectionMonitor>), InvalidApp> {
        let current = self.client(app, &app.client_secret)?;
        let next = app.client_secret_next.as_ref();
        let next = next.map(|secret| self.client(app, secret)).transpose()?;
        let (check, monitor) = protection.protect(&app.client_id, current.clone(), next.clone());
        let files = [
            ("client_secret_file", &app.client_secret_file, Some(current)),
            (
                "client_secret_next_file",
                &app.client_secret_next_file,
                next,
            ),
        ];
        for (key, file, client) in files {
            let Some(client) = client else { continue };
            let monitor = monitor.clone();
            let key = format!("{key} of {}", app.client_id);
            secrets.watch(key, file.as_ref(), move |secret| {
                // The reader of the secret has checked that it can be in a header.
                if client.replace_secret(secret).is_ok() {
                    monitor.credentials_replaced();
                }
            });
        }
        Ok((check, Some(monitor)))
    }

    fn client(&self, app: &AppConfig, secret: &SecretString) -> Result<Client, InvalidApp> {
        let app = App::new(&app.client_id, secret.clone());
        let client = GhesClient::new(&self.ghes.url, &app, self.transport.clone())?;
        Ok(match &self.version {
            Some(version) => client.with_api_version(version.clone()),
            None => client,
        })
    }
}

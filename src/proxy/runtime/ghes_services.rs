use std::sync::{Arc, Weak};

use http::HeaderValue;
use parking_lot::Mutex;
use secrecy::SecretString;
use tower::BoxError;

use super::issuers::{AppService, Services};
use super::secret_files::SecretFiles;
use crate::config::{AppConfig, GhesConfig};
use crate::ghes::{App, GhesClient, HttpsError, HttpsTransport, InvalidApp, WebFlow};
use crate::metrics::Metrics;
use crate::protection::{IssuerProtection, Protection};
use crate::session::AppClients;

/// Makes the clients of each configured GHES, and protects them; each call is measured.
///
/// One server has one protection, however often it is connected to: its rate is that of the gate.
pub(in crate::proxy) struct GhesServices {
    metrics: Metrics,
    secrets: SecretFiles,
    /// Those of servers that some app still has.
    protections: Mutex<Vec<(GhesConfig, Weak<IssuerProtection>)>>,
}

impl GhesServices {
    pub(in crate::proxy) fn new(metrics: Metrics, secrets: SecretFiles) -> Self {
        Self {
            metrics,
            secrets,
            protections: Mutex::default(),
        }
    }

    pub(in crate::proxy) fn connect(&self, ghes: &GhesConfig) -> Result<Services, BoxError> {
        let protection = self.protection(ghes);
        let clients = Clients::new(ghes)?;
        let apps = ghes.apps.iter();
        let apps = apps.map(|app| clients.app(app, &protection, &self.secrets));
        let apps = apps.collect::<Result<Vec<_>, InvalidApp>>()?;
        let [app, ..] = ghes.apps.as_slice() else {
            return Err(format!("{} has no app; see ghes.apps", ghes.name).into());
        };
        // Memberships are asked with the user's token, so that the app and its secret do not matter.
        let memberships = clients.client(app, &app.client_secret)?;
        Ok(Services {
            apps,
            memberships: Some(protection.protect_memberships(memberships)),
        })
    }

    fn protection(&self, ghes: &GhesConfig) -> Arc<IssuerProtection> {
        let mut protections = self.protections.lock();
        protections.retain(|(_, protection)| protection.strong_count() > 0);
        let known = protections
            .iter()
            .find(|(known, _)| known.is_same_server(ghes));
        if let Some(protection) = known.and_then(|(_, protection)| protection.upgrade()) {
            return protection;
        }
        let protection = Protection::new()
            .with_limits(ghes.limits)
            .with_observer(self.metrics.of_server(&ghes.name))
            .of_issuer();
        let protection = Arc::new(protection);
        protections.push((ghes.clone(), Arc::downgrade(&protection)));
        protection
    }
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

    fn app(
        &self,
        app: &AppConfig,
        server: &Arc<IssuerProtection>,
        secrets: &SecretFiles,
    ) -> Result<AppService, InvalidApp> {
        let current = self.client(app, &app.client_secret)?;
        let next = app.client_secret_next.as_ref();
        let next = next.map(|secret| self.client(app, secret)).transpose()?;
        let (check, monitor) = server.protect(&app.client_id, current.clone(), next.clone());
        let login = AppClients {
            flow: self.flow(app)?,
            client: current.clone(),
        };
        let files = [
            ("client_secret_file", &app.client_secret_file, Some(current)),
            (
                "client_secret_next_file",
                &app.client_secret_next_file,
                next,
            ),
        ];
        let files = files.into_iter().filter_map(|(key, file, client)| {
            let (client, monitor) = (client?, monitor.clone());
            let flow = (key == "client_secret_file").then(|| login.flow.clone());
            let key = format!("{key} of {}", app.client_id);
            secrets.watch(key, file.as_ref(), move |secret| {
                if let Some(flow) = &flow {
                    flow.replace_secret(secret.clone());
                }
                // The reader of the secret has checked that it can be in a header.
                if client.replace_secret(secret).is_ok() {
                    monitor.credentials_replaced();
                }
            })
        });
        let secrets = files.collect();
        Ok(AppService {
            check,
            protection: Some(monitor),
            server: Some(Arc::clone(server)),
            login: Some(login),
            secrets,
        })
    }

    fn flow(&self, app: &AppConfig) -> Result<WebFlow<HttpsTransport>, InvalidApp> {
        let app = App::new(&app.client_id, app.client_secret.clone());
        WebFlow::new(&self.ghes.url, &app, self.transport.clone())
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

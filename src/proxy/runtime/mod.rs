//! What lives as long as the process, whatever a reload replaces: who is asked, what is remembered
//! and counted, connections and keys.

pub(super) mod assertion;
pub(super) mod first_answer;
pub(super) mod floods;
pub(super) mod ghes_services;
pub(super) mod issuers;
pub(super) mod listening;
pub(super) mod secret_files;
pub(super) mod snapshot;

use std::sync::Arc;

use parking_lot::Mutex;
use tower::BoxError;

use self::assertion::Assertions;
use self::floods::Floods;
use self::issuers::{IssuerApps, Issuers, Services};
use self::listening::Listening;
use self::secret_files::{SecretFiles, WatchedSecret};
use self::snapshot::{Certificates, SnapshotSource};
use crate::config::{AdminConfig, AssertionConfig, Config, GhesConfig, WebhookConfig};
use crate::endpoint::SharedSecret;
use crate::gatekeeper::{ClientLimit, ClientTurns};
use crate::hygiene::request_id::RequestIds;
use crate::metrics::Metrics;
use crate::server::Server;
use crate::session::Used;
use crate::upstream::Upstreams;
use crate::webhook::Receiver;

/// Makes what a server is asked by.
pub(super) type Connect = Box<dyn Fn(&GhesConfig) -> Result<Services, BoxError> + Send + Sync>;

pub(super) struct Runtime {
    pub(super) issuers: Issuers,
    connect: Connect,
    pub(super) upstreams: Upstreams,
    client_turns: Mutex<(ClientLimit, Arc<ClientTurns>)>,
    pub(super) request_ids: RequestIds,
    pub(super) metrics: Metrics,
    pub(super) floods: Arc<Floods>,
    pub(super) listening: Listening,
    pub(super) webhook: Option<Arc<Receiver>>,
    _webhook_secret: Option<WatchedSecret>,
    pub(super) admin_secret: Option<Arc<SharedSecret>>,
    _admin_secret: Option<WatchedSecret>,
    pub(super) server: Server,
    pub(super) certificates: Certificates,
    pub(super) assertions: Option<Assertions>,
    /// What they were made of.
    assertion: Option<AssertionConfig>,
    pub(super) secret_files: SecretFiles,
    /// What logins have used up.
    pub(super) used: Used,
}

impl Runtime {
    pub(super) fn new(
        config: &Config,
        connect: Connect,
        metrics: Metrics,
        server: Server,
        secret_files: SecretFiles,
    ) -> Result<Self, BoxError> {
        let assertions = config.assertion.as_ref().map(Assertions::new);
        let limits = &config.server;
        let upstreams = Upstreams::new(limits.workers, limits.upstream_limits);
        let webhook = config.webhook.as_ref();
        let (webhook, webhook_secret) = webhook
            .map(|webhook| receiver(webhook, &secret_files))
            .unzip();
        let admin = config.admin.as_ref();
        let (admin_secret, admin_watched) =
            admin.map(|admin| operators(admin, &secret_files)).unzip();
        let turns = Arc::new(ClientTurns::new(limits.client_limit));
        Ok(Self {
            issuers: Issuers::new(IssuerApps::of(config, &[], &connect)?),
            connect,
            upstreams,
            client_turns: Mutex::new((limits.client_limit, turns)),
            request_ids: RequestIds::new(),
            metrics,
            floods: Arc::default(),
            listening: Listening::default(),
            webhook,
            _webhook_secret: webhook_secret.flatten(),
            admin_secret,
            _admin_secret: admin_watched.flatten(),
            server,
            certificates: Certificates::default(),
            assertions,
            assertion: config.assertion.clone(),
            secret_files,
            used: Used::default(),
        })
    }

    /// Refuses a configuration that would sign otherwise, or no more: half of that is made of rules.
    pub(super) fn check_assertion(&self, config: &Config) -> Result<(), BoxError> {
        let is_same = match (&self.assertion, &config.assertion) {
            (Some(ours), Some(theirs)) => ours.is_same(theirs),
            (None, None) => true,
            _ => false,
        };
        match is_same {
            true => Ok(()),
            false => Err("[assertion] cannot change while the proxy serves; restart it".into()),
        }
    }

    /// Makes the apps of another configuration, and keeps those that are the same.
    pub(super) fn apps_of(&self, config: &Config) -> Result<IssuerApps, BoxError> {
        IssuerApps::of(config, self.issuers.now().apps(), &self.connect)
    }

    /// Returns what the snapshots for the metrics are taken of.
    pub(super) fn snapshots(&self) -> SnapshotSource {
        SnapshotSource {
            issuers: self.issuers.clone(),
            server: self.server.clone(),
            certificates: self.certificates.clone(),
        }
    }

    /// Returns the turns of clients: the same ones, unless the limit is another.
    pub(super) fn client_turns(&self, limit: ClientLimit) -> Arc<ClientTurns> {
        let mut current = self.client_turns.lock();
        if current.0 != limit {
            *current = (limit, Arc::new(ClientTurns::new(limit)));
        }
        Arc::clone(&current.1)
    }
}

fn receiver(
    webhook: &WebhookConfig,
    secrets: &SecretFiles,
) -> (Arc<Receiver>, Option<WatchedSecret>) {
    let receiver = Arc::new(Receiver::new(webhook.secret.clone()));
    let watching = Arc::clone(&receiver);
    let file = webhook.secret_file.as_ref();
    let watched = secrets.watch("webhook.secret_file", file, move |secret| {
        watching.replace_secret(secret);
    });
    (receiver, watched)
}

fn operators(
    admin: &AdminConfig,
    secrets: &SecretFiles,
) -> (Arc<SharedSecret>, Option<WatchedSecret>) {
    let secret = Arc::new(SharedSecret::new(&admin.secret));
    let watching = Arc::clone(&secret);
    let file = admin.secret_file.as_ref();
    let watched = secrets.watch("admin.secret_file", file, move |secret| {
        watching.replace(&secret);
    });
    (secret, watched)
}

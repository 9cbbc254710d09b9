//! Who is asked about tokens: one validator for each app of each server, which all routes share.
//!
//! A client of GHES has the address of its server built in, and a route has the validators of one
//! server alone. So whatever becomes of a token, it is sent to no other.

use std::fmt;
use std::sync::Arc;

use tower::BoxError;

use super::first_answer::FirstAnswer;
use crate::check::CheckError;
use crate::config::{AppConfig, Config, GhesConfig, RouteConfig};
use crate::ghes::GhesUrl;
use crate::protection::ProtectionMonitor;
use crate::proxy::{Check, Memberships};
use crate::token::AccessToken;
use crate::validator::{CacheOptions, CacheStats, Purge, Validator, Validators};

/// How one server is asked.
pub(in crate::proxy) struct Services {
    /// For each app, in the order of the configuration.
    pub(in crate::proxy) checks: Vec<(Check, Option<ProtectionMonitor>)>,
    /// Where people belong is asked with their own tokens, whatever the app.
    pub(in crate::proxy) memberships: Option<Memberships>,
}

/// All apps of all servers. A handle.
#[derive(Clone)]
pub(in crate::proxy) struct Issuers {
    apps: Arc<[IssuerApp]>,
}

/// An app whose tokens are good on some route of a [`Proxy`](crate::proxy::Proxy), and what is known of
/// them. A handle: clones are the same.
#[derive(Clone)]
pub struct IssuerApp(Arc<Inner>);

struct Inner {
    ghes: String,
    url: GhesUrl,
    client_id: String,
    validator: Validator<Check>,
    protection: Option<ProtectionMonitor>,
    /// Whether some route takes tokens of its server, so that it is asked at all.
    is_asked: bool,
}

impl Issuers {
    /// Makes the validators of every server, which is asked by its `services`.
    pub(in crate::proxy) fn new(
        config: &Config,
        mut services: impl FnMut(&GhesConfig) -> Result<Services, BoxError>,
    ) -> Result<Self, BoxError> {
        let mut all = Vec::new();
        for ghes in &config.ghes {
            let services = services(ghes)?;
            let memberships = services.memberships.as_ref();
            let checks = ghes.apps.iter().zip(services.checks);
            all.extend(checks.map(|(app, (check, protection))| {
                let validator = validator(check, memberships, config.cache);
                let is_asked = config.takes_tokens_of(ghes);
                IssuerApp::new(ghes, app, validator, protection, is_asked)
            }));
        }
        let apps = all.into();
        Ok(Self { apps })
    }

    pub(in crate::proxy) fn iter(&self) -> impl Iterator<Item = &IssuerApp> {
        self.apps.iter()
    }

    /// Returns the validators of a route, in the order of its server's apps.
    ///
    /// # Panics
    ///
    /// Panics if the route takes tokens of no app of `config`, which no configuration that was read
    /// has: nobody else may be asked in its place.
    pub(in crate::proxy) fn of_route(
        &self,
        config: &Config,
        route: &RouteConfig,
    ) -> Validators<Check> {
        let taken = self.apps_of_route(config, route);
        let mut validators = taken.iter().map(|app| app.0.validator.clone());
        let first = validators.next().expect(NO_APP);
        validators.fold(first.into(), Validators::or)
    }

    /// Returns the apps of a route, in the same order.
    ///
    /// # Panics
    ///
    /// Panics where [`of_route`](Self::of_route) does.
    pub(in crate::proxy) fn apps_of_route(
        &self,
        config: &Config,
        route: &RouteConfig,
    ) -> Vec<IssuerApp> {
        let (ghes, apps) = config.issuer_of(route).expect(NO_APP);
        let is_taken = |app: &&IssuerApp| {
            let mut ids = apps.iter().map(|taken| &taken.client_id);
            app.ghes() == ghes.name && ids.any(|id| id == app.client_id())
        };
        self.iter().filter(is_taken).cloned().collect()
    }

    /// Forgets what `purge` names, whoever said it; returns how many answers.
    pub(in crate::proxy) fn purge(&self, purge: &Purge) -> u64 {
        self.iter().map(|app| app.0.validator.purge(purge)).sum()
    }

    pub(in crate::proxy) fn stats(&self) -> CacheStats {
        self.iter().map(|app| app.0.validator.stats()).sum()
    }

    /// Tells whether the servers have answered since the start, as far as that is needed.
    ///
    /// The apps of one server share its counts, so it does not matter that each is looked at.
    pub(in crate::proxy) fn have_answered(&self) -> bool {
        let asked = self.iter().filter(|app| app.0.is_asked);
        let monitors = asked.filter_map(IssuerApp::protection);
        FirstAnswer::suffice(monitors.map(|monitor| FirstAnswer::among(monitor.results())))
    }

    /// Tells whether there is an app whose credentials are accepted, as far as is known.
    ///
    /// Not whether all are: gates beside this one have the same configuration, so whoever takes
    /// away requests from gates that are not ready would take them from all, and with them what
    /// the other apps' users come for.
    pub(in crate::proxy) fn are_ready(&self) -> bool {
        self.iter()
            .any(|app| app.protection().is_none_or(ProtectionMonitor::is_ready))
    }
}

impl IssuerApp {
    fn new(
        ghes: &GhesConfig,
        app: &AppConfig,
        validator: Validator<Check>,
        protection: Option<ProtectionMonitor>,
        is_asked: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            ghes: ghes.name.clone(),
            url: ghes.url.clone(),
            client_id: app.client_id.clone(),
            validator,
            protection,
            is_asked,
        }))
    }

    /// Returns the [name](GhesConfig::name) of the server.
    #[must_use]
    pub fn ghes(&self) -> &str {
        &self.0.ghes
    }

    /// Returns where the server lives.
    #[must_use]
    pub fn url(&self) -> &GhesUrl {
        &self.0.url
    }

    /// Returns the app's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Returns what stands between the proxy and the server, to be watched; none if the proxy was
    /// given a check service.
    #[must_use]
    pub fn protection(&self) -> Option<&ProtectionMonitor> {
        self.0.protection.as_ref()
    }

    /// Asks the server about a token that it cannot know: whether it can be asked at all.
    ///
    /// Also opens the connection that the first client would have to wait for.
    ///
    /// # Errors
    ///
    /// Returns [`CheckError`] if there is no answer.
    pub async fn ask(&self) -> Result<(), CheckError> {
        let made_up = AccessToken::new("gho_ghes-gatekeeper-asks-whether-GHES-answers");
        self.0.validator.check(made_up).await.map(drop)
    }
}

fn validator(
    check: Check,
    memberships: Option<&Memberships>,
    cache: CacheOptions,
) -> Validator<Check> {
    let validator = Validator::builder(check).with_cache(cache);
    match memberships {
        Some(memberships) => validator.with_memberships(memberships.clone()).build(),
        None => validator.build(),
    }
}

const NO_APP: &str = "a route that asks for a token takes those of some app";

impl fmt::Debug for IssuerApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerApp")
            .field("ghes", &self.0.ghes)
            .field("client_id", &self.0.client_id)
            .finish_non_exhaustive()
    }
}

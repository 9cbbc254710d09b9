//! The issuers of tokens: one validator for each app of each server, shared by all routes.
//!
//! A client of GHES has the address of its server built in, and a route has the validators of one
//! server alone. So whatever becomes of a token, it is sent to no other.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::BoxError;

use super::first_answer::FirstAnswer;
use super::secret_files::WatchedSecret;
use crate::check::CheckError;
use crate::config::{AppConfig, Config, GhesConfig, TokensConfig};
use crate::ghes::{GhesUrl, HttpsTransport};
use crate::protection::{IssuerProtection, ProtectionMonitor};
use crate::proxy::{Check, Memberships};
use crate::session::AppClients;
use crate::token::AccessToken;
use crate::validator::{CacheOptions, CacheStats, Purge, Validator, Validators};

/// How one server is asked.
pub(in crate::proxy) struct Services {
    /// For each app, in the order of the configuration.
    pub(in crate::proxy) apps: Vec<AppService>,
    /// Where people belong is asked with their own tokens, whatever the app.
    pub(in crate::proxy) memberships: Option<Memberships>,
}

/// How a server is asked as one of its apps.
pub(in crate::proxy) struct AppService {
    pub(in crate::proxy) check: Check,
    pub(in crate::proxy) protection: Option<ProtectionMonitor>,
    /// What protects the server, whose other apps share it.
    pub(in crate::proxy) server: Option<Arc<IssuerProtection>>,
    /// How it logs people in. None where something else is asked in place of GHES.
    pub(in crate::proxy) login: Option<AppClients<HttpsTransport>>,
    /// The files of its secrets, which are looked after as long as it is there.
    pub(in crate::proxy) secrets: Vec<WatchedSecret>,
}

/// All apps of all servers, as the last configuration has them. A handle.
#[derive(Clone)]
pub(in crate::proxy) struct Issuers(Arc<Current>);

struct Current {
    apps: ArcSwap<IssuerApps>,
    /// Guards what is not there any more. Held while apps are replaced or purged, so that a purge
    /// misses none of them.
    retired: Mutex<Retired>,
    /// Whether the servers have answered once since the start.
    has_answered: AtomicBool,
}

/// The apps that were replaced.
#[derive(Default)]
struct Retired {
    /// Those that requests may still wait for, and since when they are retired.
    apps: Vec<(Instant, IssuerApp)>,
    /// What others had counted: counts never fall.
    counted: CacheStats,
}

impl Retired {
    /// Lets go of those that no request waits for any more.
    fn let_go(&mut self) {
        let (gone, kept) = mem::take(&mut self.apps)
            .into_iter()
            .partition(|(since, _)| since.elapsed() > LONGEST_WAIT);
        self.apps = kept;
        let gone: Vec<_> = gone;
        let counted = gone.iter().map(|(_, app)| CacheStats {
            active_entries: 0,
            inactive_entries: 0,
            ..app.0.validator.stats()
        });
        self.counted = [self.counted].into_iter().chain(counted).sum();
    }
}

/// More than any request waits for GHES.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The apps of one configuration.
#[derive(Clone)]
pub(in crate::proxy) struct IssuerApps {
    apps: Vec<IssuerApp>,
    /// Those of servers whose tokens some route takes, so that they are asked at all.
    asked: Vec<IssuerApp>,
}

/// An app whose tokens are good on some route of a [`Proxy`](crate::proxy::Proxy), and what is known of
/// them. A handle: clones are the same.
#[derive(Clone)]
pub struct IssuerApp(Arc<Inner>);

struct Inner {
    ghes: GhesConfig,
    app: AppConfig,
    cache: CacheOptions,
    validator: Validator<Check>,
    protection: Option<ProtectionMonitor>,
    login: Option<AppClients<HttpsTransport>>,
    /// Kept for the apps that a reload adds, and for the files of the secrets.
    _kept: (Option<Arc<IssuerProtection>>, Vec<WatchedSecret>),
}

impl IssuerApps {
    /// Makes the validators of every server, which is asked by its `services`. An app that is among
    /// `known` with the same server, secret and ages is kept, with all that is remembered of it.
    pub(in crate::proxy) fn of(
        config: &Config,
        known: &[IssuerApp],
        services: impl Fn(&GhesConfig) -> Result<Services, BoxError>,
    ) -> Result<Self, BoxError> {
        let (mut apps, mut asked) = (Vec::new(), Vec::new());
        for ghes in &config.ghes {
            let of_server = Self::of_server(ghes, config.cache, known, &services)?;
            if config.takes_tokens_of(ghes) {
                asked.extend(of_server.iter().cloned());
            }
            apps.extend(of_server);
        }
        Ok(Self { apps, asked })
    }

    fn of_server(
        ghes: &GhesConfig,
        cache: CacheOptions,
        known: &[IssuerApp],
        services: impl Fn(&GhesConfig) -> Result<Services, BoxError>,
    ) -> Result<Vec<IssuerApp>, BoxError> {
        let kept = |app| known.iter().find(|known| known.is_for(ghes, app, cache));
        let kept: Vec<_> = ghes.apps.iter().map(kept).collect();
        if kept.iter().all(Option::is_some) {
            return Ok(kept.into_iter().flatten().cloned().collect());
        }
        let services = services(ghes)?;
        let memberships = services.memberships.as_ref();
        let apps = ghes.apps.iter().zip(services.apps).zip(kept);
        let apps = apps.map(|((app, service), kept)| match kept {
            Some(kept) => kept.clone(),
            None => IssuerApp::new(ghes, app, cache, service, memberships),
        });
        Ok(apps.collect())
    }

    pub(in crate::proxy) fn apps(&self) -> &[IssuerApp] {
        &self.apps
    }

    /// Returns the validators of these tokens, in the order of their server's apps.
    ///
    /// # Panics
    ///
    /// Panics if they are of no app of `config`, as in no configuration that was read: nobody else
    /// may be asked in its place.
    pub(in crate::proxy) fn validators_of(
        &self,
        config: &Config,
        tokens: &TokensConfig,
    ) -> Validators<Check> {
        let taken = self.apps_of(config, tokens);
        let mut validators = taken.iter().map(|app| app.0.validator.clone());
        let first = validators.next().expect(NO_APP);
        validators.fold(first.into(), Validators::or)
    }

    /// Returns the apps of these tokens, in the same order.
    ///
    /// # Panics
    ///
    /// Panics where [`validators_of`](Self::validators_of) does.
    pub(in crate::proxy) fn apps_of(
        &self,
        config: &Config,
        tokens: &TokensConfig,
    ) -> Vec<IssuerApp> {
        let (ghes, apps) = config.issuer_of_tokens(tokens).expect(NO_APP);
        let is_taken = |app: &&IssuerApp| {
            let mut ids = apps.iter().map(|taken| &taken.client_id);
            app.ghes() == ghes.name && ids.any(|id| id == app.client_id())
        };
        self.apps.iter().filter(is_taken).cloned().collect()
    }
}

impl Issuers {
    pub(in crate::proxy) fn new(apps: IssuerApps) -> Self {
        Self(Arc::new(Current {
            apps: ArcSwap::from_pointee(apps),
            retired: Mutex::default(),
            has_answered: AtomicBool::new(false),
        }))
    }

    /// Returns the apps that are there now.
    pub(in crate::proxy) fn now(&self) -> Arc<IssuerApps> {
        self.0.apps.load_full()
    }

    pub(in crate::proxy) fn replace(&self, apps: IssuerApps) {
        // Notes it of those that go.
        self.have_answered();
        let mut retired = self.0.retired.lock();
        retired.let_go();
        let now = Instant::now();
        let is_gone = |app: &&IssuerApp| !apps.apps.iter().any(|kept| Arc::ptr_eq(&kept.0, &app.0));
        let before = self.now();
        let gone = before.apps.iter().filter(is_gone).cloned();
        retired.apps.extend(gone.map(|app| (now, app)));
        self.0.apps.store(Arc::new(apps));
    }

    /// Removes the verdicts that `purge` selects; returns how many.
    pub(in crate::proxy) fn purge(&self, purge: &Purge) -> u64 {
        let mut retired = self.0.retired.lock();
        retired.let_go();
        let now = self.now();
        let retired = retired.apps.iter().map(|(_, app)| app);
        let all = now.apps.iter().chain(retired);
        all.map(|app| app.0.validator.purge(purge)).sum()
    }

    pub(in crate::proxy) fn stats(&self) -> CacheStats {
        let mut retired = self.0.retired.lock();
        retired.let_go();
        let now = self.now();
        let all = now
            .apps
            .iter()
            .chain(retired.apps.iter().map(|(_, app)| app));
        let counted = [retired.counted].into_iter();
        counted.chain(all.map(|app| app.0.validator.stats())).sum()
    }

    /// Tells whether the servers have answered since the start, as far as that is needed.
    ///
    /// The apps of one server share its counts, so it does not matter that each is looked at.
    pub(in crate::proxy) fn have_answered(&self) -> bool {
        if self.0.has_answered.load(Ordering::Relaxed) {
            return true;
        }
        let now = self.now();
        let monitors = now.asked.iter().filter_map(IssuerApp::protection);
        let answered = monitors.map(|monitor| FirstAnswer::among(monitor.results()));
        let suffice = FirstAnswer::suffice(answered);
        // Once is enough: a server that a reload adds must not take the others' people out.
        self.0.has_answered.fetch_or(suffice, Ordering::Relaxed);
        suffice
    }

    /// Returns whether the credentials of at least one app are accepted, as far as known.
    ///
    /// Not whether all are: gates beside this one have the same configuration. A balancer would
    /// take requests away from all of them, and so from the users of the other apps.
    pub(in crate::proxy) fn are_ready(&self) -> bool {
        let now = self.now();
        let mut apps = now.apps.iter();
        apps.any(|app| app.protection().is_none_or(ProtectionMonitor::is_ready))
    }
}

impl IssuerApp {
    fn new(
        ghes: &GhesConfig,
        app: &AppConfig,
        cache: CacheOptions,
        service: AppService,
        memberships: Option<&Memberships>,
    ) -> Self {
        Self(Arc::new(Inner {
            ghes: ghes.clone(),
            app: app.clone(),
            cache,
            validator: validator(service.check, memberships, cache),
            protection: service.protection,
            login: service.login,
            _kept: (service.server, service.secrets),
        }))
    }

    /// Tells whether it is this app of this server, and remembers as long.
    fn is_for(&self, ghes: &GhesConfig, app: &AppConfig, cache: CacheOptions) -> bool {
        let known = &self.0;
        known.cache == cache && known.ghes.is_same_server(ghes) && known.app.is_same(app)
    }

    /// Returns the [name](GhesConfig::name) of the server.
    #[must_use]
    pub fn ghes(&self) -> &str {
        &self.0.ghes.name
    }

    /// Returns where the server lives.
    #[must_use]
    pub fn url(&self) -> &GhesUrl {
        &self.0.ghes.url
    }

    /// Returns the app's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.app.client_id
    }

    pub(in crate::proxy) fn login(&self) -> Option<&AppClients<HttpsTransport>> {
        self.0.login.as_ref()
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

const NO_APP: &str = "tokens that are asked for are those of some app";

impl fmt::Debug for IssuerApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerApp")
            .field("ghes", &self.ghes())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

//! What the configuration says about requests: a reload replaces it whole.

pub(super) mod admissions;
pub(super) mod asked_host;
pub(super) mod assertion;
pub(super) mod callers;
pub(super) mod destination;
pub(super) mod login;
pub(super) mod presented;
pub(super) mod routes;
pub(super) mod webdav;

use std::sync::Once;

use http::Response;
use http::header::ALLOW;

use self::admissions::Admissions;
use self::callers::Callers;
use self::login::Login;
use self::routes::{Miss, Routes};
use super::runtime::Runtime;
use super::runtime::assertion::Assertions;
use super::runtime::issuers::IssuerApps;
use crate::config::{AllowedHosts, Config};
use crate::fronts::Dialect;
use crate::hygiene::provenance::Fronts;
use crate::metrics::Outcome;
use crate::rejection::{Realm, Rejection};
use crate::routing::metadata::Metadata;
use crate::server::Limits;
use crate::upstream::body::Body;

/// The rules of one configuration.
#[derive(Debug)]
pub(super) struct RuleSet {
    pub(super) routes: Routes,
    metadata: Metadata,
    pub(super) realm: Realm,
    pub(super) fronts: Fronts,
    /// What the head of a request may take.
    pub(super) limits: Limits,
    /// Told once of a proxy that passes on what clients write.
    forwarded_host_warning: Once,
    allowed_hosts: AllowedHosts,
    /// How browsers log in.
    pub(super) login: Option<Login>,
    /// Those who may ask whose a token is.
    pub(super) callers: Callers,
    /// What `/oauth2/auth` speaks.
    pub(super) oauth2_auth: Option<Dialect>,
    /// Whether the host of a request decides anything.
    reads_hosts: bool,
}

impl RuleSet {
    /// Makes the rules of a configuration, with these apps and with what `runtime` keeps.
    ///
    /// # Panics
    ///
    /// Panics if a route names a server or apps that the configuration has not; none that was read
    /// is so.
    pub(super) fn new(config: &Config, apps: &IssuerApps, runtime: &Runtime) -> Self {
        let server = &config.server;
        let turns = runtime.client_turns(server.client_limit);
        let signer = runtime.assertions.as_ref().map(Assertions::signer);
        let admissions = Admissions::new(config, apps, turns);
        let callers = Callers::new(config, &admissions, &runtime.secret_files);
        let login = config.session.as_ref();
        let login = login.map(|session| Login::new(config, session, &admissions, runtime));
        let routes = Routes::new(config, admissions, signer, runtime);
        Self {
            reads_hosts: routes.read_hosts()
                || server.allowed_hosts.iter().is_some()
                || login.is_some(),
            routes,
            metadata: Metadata::new(config),
            realm: server.realm.clone(),
            fronts: Fronts::new(
                server.trusted_proxies.clone(),
                server.forwarded_host_from.clone(),
            ),
            limits: server.limits,
            forwarded_host_warning: Once::new(),
            allowed_hosts: server.allowed_hosts.clone(),
            login,
            callers,
            oauth2_auth: config.decisions.as_ref().and_then(|door| door.oauth2_auth),
        }
    }

    /// Answers a request that no gate has turned away, whose realm would be its own.
    pub(super) fn reject(&self, rejection: impl Into<Rejection>) -> (Outcome, Response<Body>) {
        let rejection = rejection.into();
        let outcome = Outcome::Rejected(rejection.kind());
        (outcome, rejection.into_response(&self.realm))
    }

    /// Does so where there is no route.
    pub(super) fn miss(&self, miss: &Miss<'_>) -> (Outcome, Response<Body>) {
        let (outcome, mut response) = self.reject(miss.rejection());
        if let Miss::MethodNotAllowed(allow) = miss {
            response.headers_mut().insert(ALLOW, (*allow).clone());
        }
        (outcome, response)
    }
}

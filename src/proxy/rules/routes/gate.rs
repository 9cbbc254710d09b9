use crate::bearer::BearerOptions;
use crate::config::{Admittance, Config, RouteBasic, RouteConfig, RouteMode};
use crate::gatekeeper::{GatekeeperLayer, Guard};
use crate::proxy::Check;
use crate::proxy::rules::admissions::Admissions;
use crate::proxy::runtime::issuers::IssuerApp;
use crate::rejection::Realm;
use crate::routing::metadata::PROTECTED_RESOURCE;
use crate::routing::rules::Rules;

/// Makes the gates before upstreams.
pub(super) struct Gates<'c> {
    config: &'c Config,
    admissions: Admissions<'c>,
}

impl<'c> Gates<'c> {
    pub(super) fn new(config: &'c Config, admissions: Admissions<'c>) -> Self {
        Self { config, admissions }
    }

    /// Makes the gate of a route that asks for a token.
    pub(super) fn of_route(&self, route: &RouteConfig, rules: &Rules) -> Guard<Check> {
        let admission = self.admissions.of(&Admittance::of(route), rules.policy());
        let token_bytes = self.config.server.token_bytes.get() as usize;
        let bearer = BearerOptions::default()
            .with_max_length(token_bytes)
            .with_basic(route.basic == RouteBasic::Accept);
        let bearer = match route.basic {
            RouteBasic::Only => bearer.with_basic_only(),
            _ => bearer,
        };
        let gate = GatekeeperLayer::deciding_by(admission)
            .with_bearer(bearer)
            .with_realm(self.realm(route))
            .with_identity_extension(self.config.assertion.is_some())
            .with_groups_extension(self.tells_groups())
            .with_identity_headers(true)
            .with_forward_token(route.forward_token)
            .with_observation(route.mode == RouteMode::Observe)
            // Every rejection is rendered in one other place.
            .with_problem_json(false);
        gate.into_guard()
    }

    /// Whether anybody is told to which groups people belong.
    fn tells_groups(&self) -> bool {
        self.config.assertion.is_some() || self.config.decisions.is_some()
    }

    /// Returns the apps that this gate asks, in order.
    pub(super) fn apps_of_route(&self, route: &RouteConfig) -> Vec<IssuerApp> {
        let tokens = route.tokens.as_ref();
        tokens.map_or_else(Vec::new, |tokens| self.admissions.apps_of(tokens))
    }

    /// Returns the realm, which names the route's description.
    fn realm(&self, route: &RouteConfig) -> Realm {
        let realm = self.config.server.realm.clone();
        let Some(resource) = &route.resource else {
            return realm;
        };
        let url = resource.url.well_known_url(PROTECTED_RESOURCE);
        let realm = realm.with_resource_metadata(&url);
        realm.expect("a public URL has no quotes")
    }
}

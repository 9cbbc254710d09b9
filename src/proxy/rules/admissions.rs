use std::sync::Arc;

use crate::admission::Admission;
use crate::config::{Admittance, Config, TokensConfig};
use crate::gatekeeper::ClientTurns;
use crate::policy::Policy;
use crate::proxy::Check;
use crate::proxy::runtime::issuers::{IssuerApp, IssuerApps};

/// Makes the admissions of routes and callers, so that a key means the same for both.
#[derive(Clone)]
pub(in crate::proxy) struct Admissions<'c> {
    config: &'c Config,
    apps: &'c IssuerApps,
    /// One for all of them: a client that makes up tokens may not begin anew on each route.
    client_turns: Arc<ClientTurns>,
}

impl<'c> Admissions<'c> {
    pub(in crate::proxy) fn new(
        config: &'c Config,
        apps: &'c IssuerApps,
        client_turns: Arc<ClientTurns>,
    ) -> Self {
        Self {
            config,
            apps,
            client_turns,
        }
    }

    /// Makes the admission of some people, who have to satisfy `policy`.
    ///
    /// # Panics
    ///
    /// Panics if no token is asked for, or if the tokens are of no app of the configuration; none
    /// that was read is so.
    pub(in crate::proxy) fn of(
        &self,
        admittance: &Admittance,
        policy: impl Policy,
    ) -> Admission<Check> {
        let tokens = admittance.tokens.as_ref().expect("a token is asked for");
        let admission = Admission::new(self.apps.validators_of(self.config, tokens))
            .with_policy(policy)
            .with_client_turns(Arc::clone(&self.client_turns));
        match admittance.max_age {
            Some(max_age) => admission.with_max_age(max_age),
            None => admission,
        }
    }

    /// Returns the apps that are asked about these tokens, in order.
    pub(in crate::proxy) fn apps_of(&self, tokens: &TokensConfig) -> Vec<IssuerApp> {
        self.apps.apps_of(self.config, tokens)
    }
}

use tower::Layer;

use super::Check;
use super::config::{RouteConfig, RoutePath};
use super::decided_path::decided_path;
use super::upstream::{Upstream, Upstreams};
use crate::gatekeeper::{Gatekeeper, GatekeeperLayer};
use crate::policy::RequireScopes;
use crate::rejection::RejectionKind;

/// All routes, the longest path first.
#[derive(Debug)]
pub(super) struct Routes(Vec<Route>);

/// One route: the paths that it is for, and what stands behind it.
#[derive(Debug)]
struct Route {
    path: RoutePath,
    entry: Entry,
}

/// How requests get in.
#[derive(Debug)]
pub(super) enum Entry {
    /// Past nobody; without a credential and without an identity.
    Anonymous(Upstream),
    /// Past the gate.
    Gated(Gatekeeper<Upstream, Check>),
}

impl Routes {
    pub(super) fn new(
        configs: &[RouteConfig],
        gate: &GatekeeperLayer<Check>,
        upstreams: &mut Upstreams,
    ) -> Self {
        let mut routes: Vec<Route> = configs
            .iter()
            .map(|config| Route::new(config, gate, upstreams))
            .collect();
        routes.sort_by_key(|route| std::cmp::Reverse(route.path.as_str().len()));
        Self(routes)
    }

    /// Finds the entry of the longest route path that `path` begins with.
    ///
    /// If there is but one route, for everything, nothing depends on the path, and whatever the
    /// upstream makes of it is its own business.
    pub(super) fn find(&self, path: &str) -> Result<&Entry, RejectionKind> {
        if let [only] = &self.0[..]
            && only.path.as_str() == "/"
        {
            return Ok(&only.entry);
        }
        let path = decided_path(path).ok_or(RejectionKind::InvalidRequest)?;
        let route = self.0.iter().find(|route| route.path.matches(&path));
        Ok(&route.ok_or(RejectionKind::NoRoute)?.entry)
    }
}

impl Route {
    fn new(config: &RouteConfig, gate: &GatekeeperLayer<Check>, upstreams: &mut Upstreams) -> Self {
        let upstream = upstreams.of(config);
        let entry = if config.anonymous {
            Entry::Anonymous(upstream)
        } else {
            Entry::Gated(gate_of(config, gate).layer(upstream))
        };
        Self {
            path: config.path.clone(),
            entry,
        }
    }
}

/// What the route asks for beside what all routes have in common.
fn gate_of(config: &RouteConfig, gate: &GatekeeperLayer<Check>) -> GatekeeperLayer<Check> {
    let gate = gate
        .clone()
        .with_policy(RequireScopes::new(config.scopes.clone()))
        .with_forward_token(config.forward_token);
    match config.max_age {
        Some(max_age) => gate.with_max_age(max_age),
        None => gate,
    }
}

//! Which upstream a request is for, and what it takes to get there.

mod scopes;
mod table;

use http::Method;
use http::header::HeaderValue;
use tower::Layer;

use super::Check;
use super::config::RouteConfig;
use super::prefix::Prefix;
use super::presented::Presented;
use super::upstream::{Upstream, Upstreams};
use crate::gatekeeper::{Gatekeeper, GatekeeperLayer};

pub(super) use self::table::Miss;

use self::scopes::RouteScopes;
use self::table::RouteTable;

/// All routes.
#[derive(Debug)]
pub(super) struct Routes {
    table: RouteTable,
    routes: Vec<Route>,
}

/// What becomes of the requests of one route.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) entry: Entry,
    /// What the upstream does not see of the path.
    pub(super) prefix: Option<Prefix>,
    /// Whether the method has decided.
    pub(super) reads_method: bool,
}

/// How requests get in.
#[derive(Debug)]
pub(super) enum Entry {
    /// Past nobody; without a credential and without an identity.
    Anonymous(Upstream),
    /// Past the gate.
    Gated(Gatekeeper<Presented<Upstream>, Check>),
}

impl Routes {
    pub(super) fn new(
        configs: &[RouteConfig],
        gate: &GatekeeperLayer<Check>,
        upstreams: &mut Upstreams,
    ) -> Self {
        let routes = configs.iter().map(|c| Route::new(c, gate, upstreams));
        Self {
            routes: routes.collect(),
            table: RouteTable::new(configs.iter().map(|config| &config.matches)),
        }
    }

    /// Finds the route of a request, as [`RouteMatch`](super::config::RouteMatch) has it.
    pub(super) fn find(
        &self,
        host: &HeaderValue,
        path: &str,
        method: &Method,
    ) -> Result<&Route, Miss<'_>> {
        let route = self.table.find(host, path, method)?;
        Ok(&self.routes[route])
    }
}

impl Route {
    fn new(config: &RouteConfig, gate: &GatekeeperLayer<Check>, upstreams: &mut Upstreams) -> Self {
        let upstream = upstreams.of(config);
        let entry = if config.anonymous {
            Entry::Anonymous(upstream)
        } else {
            let upstream = Presented::new(upstream, config.identity_headers);
            Entry::Gated(gate_of(config, gate).layer(upstream))
        };
        Self {
            entry,
            prefix: config
                .strip_prefix
                .then(|| Prefix::new(&config.matches.path)),
            reads_method: !config.matches.methods.is_empty(),
        }
    }
}

/// What the route asks for beside what all routes have in common.
fn gate_of(config: &RouteConfig, gate: &GatekeeperLayer<Check>) -> GatekeeperLayer<Check> {
    let gate = gate
        .clone()
        .with_policy(RouteScopes::of(config))
        .with_forward_token(config.forward_token);
    match config.max_age {
        Some(max_age) => gate.with_max_age(max_age),
        None => gate,
    }
}

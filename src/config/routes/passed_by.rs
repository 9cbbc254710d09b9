//! Routes that a request may pass by, on its way to one that asks for less.

use super::{Admittance, RouteConfig};
use crate::config::Config;

/// A route, its place, and which people it lets in.
struct Placed<'c> {
    at: usize,
    route: &'c RouteConfig,
    admittance: Admittance,
    /// Its path in small letters, empty for `/`.
    lower: String,
}

/// Returns what is probably not meant, one line each.
pub(in crate::config) fn warnings(config: &Config) -> Vec<String> {
    let routes: Vec<Placed<'_>> = config.routes.iter().enumerate().map(Placed::new).collect();
    let gated = routes.iter().filter(|route| !route.admittance.is_open());
    gated
        .flat_map(|gated| {
            let others = routes.iter().filter(|other| other.at != gated.at);
            let alike = others
                .clone()
                .find_map(|other| gated.is_spelled_like(other));
            let inside = others.clone().find_map(|other| gated.is_inside_open(other));
            let elsewhere = gated.is_left_to_other_hosts(others, config);
            [alike, inside, elsewhere]
        })
        .flatten()
        .collect()
}

impl<'c> Placed<'c> {
    fn new((at, route): (usize, &'c RouteConfig)) -> Self {
        Self {
            at,
            route,
            admittance: Admittance::of(route),
            lower: route.matches.path.compared().to_lowercase(),
        }
    }

    fn path(&self) -> &str {
        self.route.matches.path.compared()
    }

    /// Tells whether its path, in whatever case, is that of the other or above it.
    fn is_above(&self, other: &Self) -> bool {
        let rest = other.lower.strip_prefix(&self.lower);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Tells whether some host is that of both.
    fn meets(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.route.matches.hosts, &other.route.matches.hosts);
        ours.is_empty() || theirs.is_empty() || ours.iter().any(|host| theirs.contains(host))
    }

    fn is_spelled_like(&self, other: &Self) -> Option<String> {
        let differs = self.path() != other.path() && self.admittance != other.admittance;
        let is_alike = differs && self.lower == other.lower;
        (is_alike && self.meets(other)).then(|| {
            let Self { at, route, .. } = self;
            format!(
                "routes[{at}].path: {} and {} of routes[{}] differ only by case, so a request gets \
                 400 if the other route asks for more; write both alike, or rename one",
                route.matches.path, other.route.matches.path, other.at
            )
        })
    }

    fn is_inside_open(&self, other: &Self) -> Option<String> {
        let matches = &other.route.matches;
        let is_inside = self.lower != other.lower && other.is_above(self);
        let is_open = other.admittance.is_open() && !matches.exact;
        (is_open && is_inside && self.meets(other)).then(|| {
            let Self { at, route, .. } = self;
            format!(
                "routes[{at}].path: {} asks for a token inside {}, which routes[{}] opens; upper \
                 and lower case differ, and other spellings of it get 400; keep the two apart if \
                 the upstream reads them alike",
                route.matches.path, matches.path, other.at
            )
        })
    }

    /// A request for another host than these reaches the same upstream by the best of the routes for
    /// all hosts.
    fn is_left_to_other_hosts<'r>(
        &self,
        others: impl Iterator<Item = &'r Self>,
        config: &Config,
    ) -> Option<String>
    where
        'c: 'r,
    {
        let Self { at, route, .. } = self;
        let hosts = &route.matches.hosts;
        let is_named = |host: &str| hosts.iter().any(|name| name.as_str() == host);
        let is_anybody_left = match config.server.allowed_hosts.iter() {
            Some(mut allowed) => allowed.any(|host| !is_named(&host.to_string())),
            None => true,
        };
        if hosts.is_empty() || !is_anybody_left {
            return None;
        }
        let covers = |other: &&Self| {
            let matches = &other.route.matches;
            let is_whole = !matches.exact || (other.lower == self.lower && route.matches.exact);
            matches.hosts.is_empty() && other.is_above(self) && is_whole
        };
        let best = others
            .filter(covers)
            .max_by_key(|other| other.path().len())?;
        let upstream = route
            .upstreams
            .iter()
            .find(|u| best.route.upstreams.contains(u))?;
        (!best.admittance.is_within(&self.admittance)).then(|| {
            format!(
                "routes[{at}].hosts: a request for another host reaches {upstream} by routes[{}], \
                 which asks for less; name hosts there, too, or set server.allowed_hosts",
                best.at
            )
        })
    }
}

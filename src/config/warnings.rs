//! What works, and is probably not meant.

use std::time::Duration;

use super::routes::passed_by;
use super::{
    Admittance, AppConfig, AppPreset, CallerConfig, Config, GhesConfig, RouteConfig, RouteMode,
    TokensConfig,
};
use crate::server::CertificateFiles;

impl Config {
    /// Returns what works and is probably not meant: one line each, which names the key.
    ///
    /// 1. Tokens of GitHub Apps have no scopes, so a route or a caller that asks for one is shut to all
    ///    of them. Client ids of GitHub Apps begin with `Iv1.` or `Iv23`.
    /// 2. A server of several that no route takes tokens of is never asked.
    /// 3. Logins and ids are those of one server: the same one may be another person's at another
    ///    server, and an upstream that gets people of both cannot tell.
    /// 4. A host of a route that `server.allowed_hosts` leaves out is never asked for.
    /// 5. A route's `max_age` beyond that of the cache is none: nothing is remembered so long.
    /// 6. A route that asks for more than another, where requests of another case or for another host
    ///    get to that other one, or to none.
    /// 7. Proxies that may not ask, or would ask what is not answered.
    /// 8. A route that lets everybody pass, because it only observes.
    /// 9. A certificate that has expired, is not valid yet, or ends within 14 days.
    /// 10. Callers that would send their secrets in clear through a network, and those about whose
    ///     people one answer depends on more memberships than it may ask about.
    /// 11. An app of a preset that no route and no caller names, beside others: its tokens are refused.
    /// 12. A route with a login that names no host, or asks for scopes that the login does not.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let servers = self.ghes.iter().enumerate();
        let unused = servers.filter(|(_, ghes)| self.ghes.len() > 1 && !self.takes_tokens_of(ghes));
        let unused = unused.map(|(at, ghes)| unused_server(at, ghes));
        unused
            .chain(self.route_warnings())
            .chain(self.unnamed_presets())
            .chain(self.caller_warnings())
            .chain(passed_by::warnings(self))
            .chain(self.decision_warnings())
            .chain(self.session_warnings())
            .chain(self.certificate_warnings())
            .collect()
    }

    fn route_warnings(&self) -> impl Iterator<Item = String> {
        let routes = self.routes.iter().enumerate();
        let shut = routes.clone();
        let shut = shut.filter(|(_, route)| self.is_shut(&Admittance::of(route)));
        let shut = shut.map(|(at, route)| shut_route(at, route));
        let mixed = (0..self.routes.len()).filter_map(|at| self.mixed_people(at));
        let aimless = routes.flat_map(|(at, route)| {
            let unheard = self.unheard_hosts(at, route);
            unheard
                .chain(self.useless_age(&format!("routes[{at}]"), route.max_age))
                .chain(observed(at, route))
        });
        shut.chain(mixed).chain(aimless)
    }

    fn caller_warnings(&self) -> impl Iterator<Item = String> {
        let callers = self.callers().iter().enumerate();
        callers.flat_map(|(at, caller)| {
            let place = format!("decisions.callers[{at}]");
            let is_shut = self.is_shut(&caller.admittance);
            let shut = is_shut.then(|| shut_caller(&place));
            let useless = self.useless_age(&place, caller.admittance.max_age);
            shut.into_iter().chain(useless)
        })
    }

    fn certificate_warnings(&self) -> impl Iterator<Item = String> {
        let of_decisions = self.decisions.iter().filter_map(|door| door.tls.as_ref());
        let certificates = self.server.tls.iter().chain(of_decisions);
        certificates.filter_map(CertificateFiles::warning)
    }

    fn unheard_hosts(&self, at: usize, route: &RouteConfig) -> impl Iterator<Item = String> {
        let hosts = route.matches.hosts.iter();
        let allowed = &self.server.allowed_hosts;
        let unheard = hosts.filter(|host| !allowed.contain_name(host.as_str()));
        unheard.map(move |host| {
            format!(
                "routes[{at}].hosts: {host} is not in server.allowed_hosts, so no request for it \
                 gets here; add it there, or drop it"
            )
        })
    }

    fn useless_age(&self, place: &str, max_age: Option<Duration>) -> Option<String> {
        let longest = self.cache.active_max_age;
        let is_useless = max_age.is_some_and(|age| age > longest);
        is_useless.then(|| {
            format!(
                "{place}.max_age: a limit above cache.active_max_age has no effect; drop it, or \
                 lower it"
            )
        })
    }

    fn unnamed_presets(&self) -> Vec<String> {
        let servers = self.ghes.iter().filter(|ghes| self.takes_tokens_of(ghes));
        let apps = servers.flat_map(|ghes| ghes.apps.iter().map(move |app| (ghes, app)));
        let unnamed = apps.filter(|(ghes, app)| {
            let takes = |tokens: &TokensConfig| {
                tokens.ghes == ghes.name && tokens.apps.contains(&app.client_id)
            };
            app.preset.is_some() && !self.all_tokens().any(takes)
        });
        unnamed
            .map(|(ghes, app)| unnamed_preset(ghes, app))
            .collect()
    }

    fn callers(&self) -> &[CallerConfig] {
        self.decisions.as_ref().map_or(&[], |door| &door.callers)
    }

    /// Tells whether tokens of a server are good on any route, or for any caller.
    pub(crate) fn takes_tokens_of(&self, ghes: &GhesConfig) -> bool {
        self.all_tokens().any(|tokens| tokens.ghes == ghes.name)
    }

    fn all_tokens(&self) -> impl Iterator<Item = &TokensConfig> {
        let routes = self.routes.iter().map(|route| &route.tokens);
        let callers = self.callers().iter();
        let tokens = routes.chain(callers.map(|caller| &caller.admittance.tokens));
        tokens.filter_map(Option::as_ref)
    }

    fn is_shut(&self, admittance: &Admittance) -> bool {
        let is_open = !admittance.needs_scopes() || admittance.exempt_github_apps;
        let tokens = admittance.tokens.as_ref();
        let issuer = tokens.and_then(|tokens| self.issuer_of_tokens(tokens));
        !is_open && issuer.is_some_and(|(_, apps)| apps.into_iter().all(AppConfig::is_github_app))
    }

    /// Tells of an upstream that an earlier route for another server leads to as well.
    fn mixed_people(&self, at: usize) -> Option<String> {
        let route = &self.routes[at];
        let ghes = &route.tokens.as_ref()?.ghes;
        let mut earlier = self.routes[..at].iter().enumerate();
        earlier.find_map(|(before, other)| {
            let other_ghes = &other.tokens.as_ref()?.ghes;
            let mut upstreams = route.upstreams.iter();
            let shared = upstreams.find(|upstream| other.upstreams.contains(upstream))?;
            (ghes != other_ghes).then(|| {
                format!(
                    "routes[{at}].upstream: {shared} gets people of {other_ghes}, too, by \
                     routes[{before}], and cannot tell them from people with the same login or id \
                     at {ghes}; give each server its own upstream"
                )
            })
        })
    }
}

fn observed(at: usize, route: &RouteConfig) -> Option<String> {
    let is_observed = route.mode == RouteMode::Observe;
    let path = &route.matches.path;
    is_observed.then(|| {
        format!(
            "routes[{at}].mode: observe lets every request for {path} pass, whatever is decided"
        )
    })
}

fn shut_route(at: usize, route: &RouteConfig) -> String {
    let path = &route.matches.path;
    format!(
        "routes[{at}].scopes: tokens of GitHub Apps have no scopes, and the route accepts no other \
         app, so it rejects every request for {path}; drop it, set exempt_github_apps, or use an \
         OAuth app"
    )
}

fn shut_caller(place: &str) -> String {
    format!(
        "{place}.scopes: tokens of GitHub Apps have no scopes, and the caller accepts no other app, \
         so no token is active for it; drop it, set exempt_github_apps, or use an OAuth app"
    )
}

fn unnamed_preset(ghes: &GhesConfig, app: &AppConfig) -> String {
    let (name, id) = (&ghes.name, &app.client_id);
    let preset = app.preset.map_or("", AppPreset::as_str);
    format!(
        "ghes.apps: beside other apps of {name}, {preset} is accepted only where apps names it, and \
         nothing does; write apps = [\"{id}\"] on a route, or drop it"
    )
}

fn unused_server(at: usize, ghes: &GhesConfig) -> String {
    let name = &ghes.name;
    format!("ghes[{at}]: no route accepts tokens of {name}; name it as ghes in a route, or drop it")
}

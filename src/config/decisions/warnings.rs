use std::collections::HashSet;
use std::net::SocketAddr;

use crate::admission::MOST_GROUPS;
use crate::config::{Config, Cors, DecisionsConfig, Dialect};
use crate::server::ListenAddress;

impl Config {
    /// Returns what works of `[decisions]` and is probably not meant.
    pub(in crate::config) fn decision_warnings(&self) -> impl Iterator<Item = String> {
        let decisions = self.decisions.iter();
        decisions.flat_map(|decisions| {
            let is_anyone_trusted = self.server.trusted_proxies.iter().next().is_some();
            let is_in_vain = !is_anyone_trusted && decisions.callers.is_empty();
            let nobody = is_in_vain.then(|| NOBODY_TRUSTED.to_owned());
            let oauth2 = decisions.oauth2_auth == Some(Dialect::OAuth2Proxy);
            let methodless = oauth2.then(|| self.methodless()).flatten();
            let callers = decisions.in_clear().map(in_clear);
            callers
                .chain(decisions.many_groups())
                .chain(nobody)
                .chain(methodless)
                .chain(self.left_to_proxies())
                .chain(self.silent_preflights())
        })
    }

    /// A route that the snippet of oauth2-proxy cannot ask about.
    fn methodless(&self) -> Option<String> {
        let mut routes = self.routes.iter();
        let at = routes.position(|route| !route.matches.methods.is_empty())?;
        Some(format!(
            "decisions.oauth2_auth: the snippet of oauth2-proxy says no method, and \
             routes[{at}] is for some methods; a question about its path gets 400; ask at \
             /auth/nginx, or drop its methods"
        ))
    }

    /// A route whose `strip_headers` most proxies do not learn of.
    fn left_to_proxies(&self) -> Option<String> {
        let mut routes = self.routes.iter();
        let at = routes.position(|route| !route.strip_headers.is_empty())?;
        Some(format!(
            "routes[{at}].strip_headers: of the proxies that ask, only Envoy removes what it is \
             told to; have nginx, Traefik and Caddy remove these themselves"
        ))
    }

    fn silent_preflights(&self) -> impl Iterator<Item = String> {
        let routes = self.routes.iter().enumerate();
        let silent = routes.filter(|(_, route)| {
            route.upstreams.is_empty() && matches!(route.cors, Cors::Answer(_))
        });
        silent.map(|(at, _)| {
            format!(
                "routes[{at}].cors: without upstream the gate answers no preflight; write cors = \
                 \"upstream\" to let the tool answer it"
            )
        })
    }
}

impl DecisionsConfig {
    /// The addresses beyond this machine at which callers would show their secrets to the network.
    fn in_clear(&self) -> impl Iterator<Item = SocketAddr> {
        let is_clear = self.tls.is_none() && !self.callers.is_empty();
        let addresses = self.listen.iter().filter_map(move |address| match address {
            ListenAddress::Tcp(address) if is_clear => Some(*address),
            ListenAddress::Tcp(_) | ListenAddress::Unix(_) => None,
        });
        addresses.filter(|address| !address.ip().to_canonical().is_loopback())
    }

    /// The callers about whose people one `TokenReview` can depend on too many memberships.
    fn many_groups(&self) -> impl Iterator<Item = String> {
        let callers = self.callers.iter().enumerate();
        callers.filter_map(|(at, caller)| {
            let people = &caller.admittance.people;
            let own = people.orgs.iter().chain(&people.teams);
            let all: HashSet<_> = own.chain(&self.token_review.groups).collect();
            (all.len() > MOST_GROUPS).then(|| many_groups(at, all.len()))
        })
    }
}

fn in_clear(address: SocketAddr) -> String {
    format!(
        "decisions.listen: callers send their secrets, and the tokens that they ask about, in clear to \
         {address}; set [decisions.tls], or listen on 127.0.0.1"
    )
}

fn many_groups(at: usize, groups: usize) -> String {
    format!(
        "decisions.callers[{at}]: its orgs and teams and decisions.token_review.groups are {groups} \
         together, and one answer asks about {MOST_GROUPS} at most; the first TokenReview of a person can \
         get 503; name fewer"
    )
}

const NOBODY_TRUSTED: &str = "decisions: server.trusted_proxies is empty, so no proxy may ask; name \
     the addresses that ask, and 127.0.0.1 for those of a Unix socket";

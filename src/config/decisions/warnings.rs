use crate::config::{Config, Cors, Dialect};

impl Config {
    /// Returns what works of `[decisions]` and is probably not meant.
    pub(in crate::config) fn decision_warnings(&self) -> Vec<String> {
        let Some(decisions) = &self.decisions else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        let is_anyone_trusted = self.server.trusted_proxies.iter().next().is_some();
        if !is_anyone_trusted && decisions.callers.is_empty() {
            warnings.push(NOBODY_TRUSTED.to_owned());
        }
        let routes = self.routes.iter().enumerate();
        let by_method = routes
            .clone()
            .find(|(_, route)| !route.matches.methods.is_empty());
        if let (Some(Dialect::OAuth2Proxy), Some((at, _))) = (decisions.oauth2_auth, by_method) {
            warnings.push(format!(
                "decisions.oauth2_auth: the snippet of oauth2-proxy says no method, and \
                 routes[{at}] is for some methods; a question about its path gets 400; ask at \
                 /auth/nginx, or drop its methods"
            ));
        }
        let listed = routes
            .clone()
            .find(|(_, route)| !route.strip_headers.is_empty());
        warnings.extend(listed.map(|(at, _)| {
            format!(
                "routes[{at}].strip_headers: of the proxies that ask, only Envoy removes what it is \
                 told to; have nginx, Traefik and Caddy remove these themselves"
            )
        }));
        let silent = routes.filter(|(_, route)| {
            route.upstreams.is_empty() && matches!(route.cors, Cors::Answer(_))
        });
        warnings.extend(silent.map(|(at, _)| {
            format!(
                "routes[{at}].cors: without upstream the gate answers no preflight; write cors = \
                 \"upstream\" to let the tool answer it"
            )
        }));
        warnings
    }
}

const NOBODY_TRUSTED: &str = "decisions: server.trusted_proxies is empty, so no proxy may ask; name \
     the addresses that ask, and 127.0.0.1 for those of a Unix socket";

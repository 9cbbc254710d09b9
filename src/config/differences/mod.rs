//! Which routes could decide otherwise than before.
//!
//! Compared is what the gate decides by: whose tokens are good, who may enter, what is read as a
//! credential, what becomes of a decision, and the settings of the whole gate behind these. Where
//! requests go, how long a tool may take and what it is told is no decision.

#[cfg(test)]
mod tests;

use std::fmt::{Debug, Write};

use crate::config::{Config, Cors, RouteConfig, RouteMatch};

/// A key, and its value in a form that is the same where its meaning is.
type Setting = (&'static str, String);

impl Config {
    /// Names the routes whose decision about some request could be another than by an `old`
    /// configuration: one line each, with the keys that make it so.
    ///
    /// Routes are the same if they are for the same requests, wherever they stand in the file: their
    /// order decides nothing. One that is added or removed takes requests from others, or leaves them
    /// to others.
    #[must_use]
    pub fn differences(&self, old: &Self) -> Vec<String> {
        let (ours, theirs) = (self.decisions(), old.decisions());
        let find = |all: &[(String, Vec<Setting>)], route: &str| {
            let mut all = all.iter();
            all.position(|(name, _)| name == route)
        };
        let mut lines: Vec<String> = Vec::new();
        for (route, settings) in &ours {
            let Some(before) = find(&theirs, route) else {
                lines.push(format!("{route}: added"));
                continue;
            };
            let other = keys_that_differ(settings, &theirs[before].1);
            if !other.is_empty() {
                lines.push(format!("{route}: {}", other.join(", ")));
            }
        }
        let gone = theirs
            .iter()
            .filter(|(route, _)| find(&ours, route).is_none());
        lines.extend(gone.map(|(route, _)| format!("{route}: removed")));
        lines
    }

    /// Returns each route by what it is for, with all that it decides by.
    fn decisions(&self) -> Vec<(String, Vec<Setting>)> {
        let routes = self.routes.iter();
        let all = routes.map(|route| {
            let mut settings = self.settings_of(route);
            if !route.anonymous {
                settings.extend(self.settings_of_all());
            }
            settings.extend(self.settings_of_ways());
            (name(&route.matches), settings)
        });
        all.collect()
    }

    /// Every field is looked at, so that a new one is no oversight.
    fn settings_of(&self, route: &RouteConfig) -> Vec<Setting> {
        let RouteConfig {
            matches: _,
            upstreams: _,
            upstream_tls: _,
            host: _,
            rewrite_redirects: _,
            timeouts: _,
            tokens: _,
            scopes,
            scopes_any,
            exempt_github_apps,
            people,
            max_age,
            anonymous,
            mode,
            basic,
            websocket_protocol,
            login,
            forward_token: _,
            identity_headers: _,
            strip_headers: _,
            audience: _,
            strip_prefix: _,
            ambiguous_paths,
            cors,
            resource: _,
        } = route;
        let issuer = self.issuer_of(route);
        let url = issuer.as_ref().map(|(ghes, _)| ghes.url.to_string());
        let apps = issuer.map(|(_, apps)| apps).unwrap_or_default();
        let lets_preflights_by = !matches!(cors, Cors::Gate);
        vec![
            ("ghes", text(url)),
            ("apps", set(apps.iter().map(|app| &app.client_id))),
            ("scopes", set(scopes.iter())),
            ("scopes_any", set(scopes_any)),
            ("exempt_github_apps", text(exempt_github_apps)),
            (
                "users",
                set(people.users.iter().map(|user| user.to_ascii_lowercase())),
            ),
            ("user_ids", set(&people.user_ids)),
            ("site_admins", text(people.site_admins)),
            ("orgs", set(&people.orgs)),
            ("teams", set(&people.teams)),
            ("people", text(people.combination)),
            ("account_types", set(&people.account_types)),
            ("max_age", text(max_age)),
            ("anonymous", text(anonymous)),
            ("mode", text(mode)),
            ("basic", text(basic)),
            ("websocket_protocol", text(websocket_protocol)),
            ("login", text(login)),
            ("ambiguous_paths", text(ambiguous_paths)),
            ("cors", text(lets_preflights_by)),
        ]
    }

    /// What every route with a token decides by.
    fn settings_of_all(&self) -> [Setting; 6] {
        let (server, cache) = (&self.server, &self.cache);
        [
            ("server.client_limit", text(server.client_limit)),
            ("server.limits.token_bytes", text(server.token_bytes)),
            ("cache.active_max_age", text(cache.active_max_age)),
            ("cache.inactive_max_age", text(cache.inactive_max_age)),
            ("cache.membership_max_age", text(cache.membership_max_age)),
            ("cache.stale_if_error", text(cache.stale_if_error)),
        ]
    }

    /// What every request comes by on its way to a route.
    fn settings_of_ways(&self) -> [Setting; 3] {
        let server = &self.server;
        [
            ("server.allowed_hosts", text(&server.allowed_hosts)),
            ("server.trusted_proxies", text(&server.trusted_proxies)),
            (
                "server.forwarded_host_from",
                text(&server.forwarded_host_from),
            ),
        ]
    }
}

fn keys_that_differ(ours: &[Setting], theirs: &[Setting]) -> Vec<&'static str> {
    let is_same = |setting: &&Setting| theirs.contains(setting);
    let other = ours.iter().filter(|setting| !is_same(setting));
    other.map(|(key, _)| *key).collect()
}

/// Says which requests a route is for: the same for two that are for the same ones.
fn name(matches: &RouteMatch) -> String {
    let mut name = matches.path.to_string();
    if matches.exact {
        name.push_str(" alone");
    }
    let mut hosts: Vec<_> = matches.hosts.iter().map(ToString::to_string).collect();
    let mut methods: Vec<_> = matches.methods.iter().map(ToString::to_string).collect();
    for (word, list) in [("at", &mut hosts), ("by", &mut methods)] {
        list.sort_unstable();
        if !list.is_empty() {
            // A `String` takes whatever is written.
            let _ = write!(name, " {word} {}", list.join(", "));
        }
    }
    name
}

fn text(value: impl Debug) -> String {
    format!("{value:?}")
}

fn set<T: Debug>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<_> = items.into_iter().map(text).collect();
    items.sort_unstable();
    items.dedup();
    items.join(", ")
}

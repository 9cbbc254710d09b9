//! Which routes and callers could decide otherwise than before.
//!
//! Compared is what the gate decides by: whose tokens are good, who may enter, what is read as a
//! credential, what becomes of a decision, and the settings of the whole gate behind these. Where
//! requests go, how long a tool may take and what it is told is no decision.

#[cfg(test)]
mod tests;

use std::fmt::{Debug, Write};

use crate::config::{
    Admittance, Config, Cors, DecisionsConfig, RouteConfig, RouteMatch, SessionConfig,
};

/// A key, and its value in a form that is the same where its meaning is.
type Setting = (&'static str, String);

/// A route, by what it is for, or a caller: with all that it decides by.
type Decider = (String, Vec<Setting>);

impl Config {
    /// Names the routes, and the callers of `[decisions]`, whose decision about some request could be
    /// another than by an `old` configuration: one line each, with the keys that make it so.
    ///
    /// Routes are the same if they are for the same requests, wherever they stand in the file: their
    /// order decides nothing. One that is added or removed takes requests from others, or leaves them
    /// to others. Callers are the same if they have the same id, whatever their secret.
    #[must_use]
    pub fn differences(&self, old: &Self) -> Vec<String> {
        let (ours, theirs) = (self.deciders(), old.deciders());
        let find = |all: &[Decider], name: &str| all.iter().position(|(other, _)| other == name);
        let mut lines: Vec<String> = Vec::new();
        for (name, settings) in &ours {
            let Some(before) = find(&theirs, name) else {
                lines.push(format!("{name}: added"));
                continue;
            };
            let other = keys_that_differ(settings, &theirs[before].1);
            if !other.is_empty() {
                lines.push(format!("{name}: {}", other.join(", ")));
            }
        }
        let gone = theirs
            .iter()
            .filter(|(name, _)| find(&ours, name).is_none());
        lines.extend(gone.map(|(name, _)| format!("{name}: removed")));
        lines
    }

    fn deciders(&self) -> Vec<Decider> {
        let routes = self.routes.iter().map(|route| {
            let mut settings = self.settings_of(route);
            if !route.anonymous {
                settings.extend(self.settings_of_all());
            }
            settings.extend(self.settings_of_ways());
            (name(&route.matches), settings)
        });
        let mut all: Vec<Decider> = routes.collect();
        let callers = self.decisions.iter().flat_map(|door| &door.callers);
        all.extend(callers.map(|caller| {
            let mut settings = self.settings_of_admittance(&caller.admittance);
            settings.extend(self.settings_of_all());
            (format!("decisions.callers {}", caller.id), settings)
        }));
        let door = self.decisions.clone().unwrap_or_default();
        all.push(("decisions".to_owned(), settings_of_door(&door)));
        let session = self.session.as_ref();
        let session = session.filter(|_| self.routes.iter().any(|route| route.login));
        all.extend(session.map(|session| ("session".to_owned(), settings_of_session(session))));
        all
    }

    fn settings_of(&self, route: &RouteConfig) -> Vec<Setting> {
        let preflights = match route.cors {
            Cors::Gate => "gate",
            // One that passes has no token.
            Cors::Upstream => "upstream",
            Cors::Answer(_) => "answered",
        };
        let mut settings = self.settings_of_admittance(&Admittance::of(route));
        settings.extend([
            ("anonymous", text(route.anonymous)),
            ("mode", text(route.mode)),
            ("basic", text(route.basic)),
            ("websocket_protocol", text(route.websocket_protocol)),
            ("login", text(route.login)),
            ("ambiguous_paths", text(route.ambiguous_paths)),
            ("cors", text(preflights)),
        ]);
        settings
    }

    fn settings_of_admittance(&self, admittance: &Admittance) -> Vec<Setting> {
        let people = &admittance.people;
        let tokens = admittance.tokens.as_ref();
        let issuer = tokens.and_then(|tokens| self.issuer_of_tokens(tokens));
        let url = issuer.as_ref().map(|(ghes, _)| ghes.url.to_string());
        let apps = issuer.map(|(_, apps)| apps).unwrap_or_default();
        let users = people.users.iter().map(|user| user.to_ascii_lowercase());
        vec![
            ("ghes", text(url)),
            ("apps", set(apps.iter().map(|app| &app.client_id))),
            ("scopes", set(admittance.scopes.iter())),
            ("scopes_any", set(&admittance.scopes_any)),
            ("exempt_github_apps", text(admittance.exempt_github_apps)),
            ("users", set(users)),
            ("user_ids", set(&people.user_ids)),
            ("site_admins", text(people.site_admins)),
            ("orgs", set(&people.orgs)),
            ("teams", set(&people.teams)),
            ("people", text(people.combination)),
            ("account_types", set(&people.account_types)),
            ("max_age", text(admittance.max_age)),
        ]
    }

    /// What every route with a token decides by, and every caller.
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

/// What is said at the entrance for others' questions, beside what routes and callers decide.
fn settings_of_door(door: &DecisionsConfig) -> Vec<Setting> {
    let review = &door.token_review;
    let prefixes = (&review.username_prefix, &review.groups_prefix);
    vec![
        ("oauth2_auth", text(door.oauth2_auth)),
        ("token_review.groups", set(&review.groups)),
        ("token_review.username_prefix", text(prefixes.0)),
        ("token_review.groups_prefix", text(prefixes.1)),
    ]
}

/// What decides on routes with a login about a cookie, and which paths the gate answers itself.
///
/// The keys are secrets, and what a login asks GHES for is in the tokens that are judged.
fn settings_of_session(session: &SessionConfig) -> Vec<Setting> {
    vec![
        ("login_url", text(session.login_url.to_string())),
        ("ghes", text(&session.ghes)),
        ("client_id", text(&session.client_id)),
        ("max_age", text(session.max_age)),
        ("prefix", text(session.prefix.as_str())),
    ]
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

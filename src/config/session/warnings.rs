use crate::config::{AppConfig, Config, RouteConfig, SessionConfig};
use crate::scope::{Scope, Scopes};

impl Config {
    /// Returns what works of `[session]` and is probably not meant.
    pub(in crate::config) fn session_warnings(&self) -> impl Iterator<Item = String> {
        let session = self.session.iter();
        session.flat_map(|session| {
            let routes = self.routes.iter().enumerate();
            let routes = routes.filter(|(_, route)| route.login);
            routes.flat_map(|(at, route)| {
                let hostless = route
                    .matches
                    .hosts
                    .is_empty()
                    .then(|| hostless(at, session));
                let lacking = self.scope_lacking(session, route);
                let lacking = lacking.map(|scope| lacking_scope(at, &scope));
                hostless.into_iter().chain(lacking)
            })
        })
    }

    /// Returns a scope that a route asks for, and nobody's token has who logs in.
    fn scope_lacking(&self, session: &SessionConfig, route: &RouteConfig) -> Option<Scope> {
        let mut apps = self.ghes.iter().flat_map(|ghes| &ghes.apps);
        let app = apps.find(|app| app.client_id == session.client_id);
        if app.is_some_and(AppConfig::is_github_app) {
            return None;
        }
        let has = &session.scopes;
        let mut needed = route.scopes.iter();
        let of_all = needed.find(|scope| !has.grant(scope)).cloned();
        let accepted: Scopes = route.scopes_any.iter().cloned().collect();
        let is_one = accepted.is_empty() || has.grant_any(&accepted);
        let of_any = route.scopes_any.first().filter(|_| !is_one).cloned();
        let names_groups = !route.people.orgs.is_empty() || !route.people.teams.is_empty();
        let of_groups = names_groups
            .then(read_org)
            .filter(|scope| !has.grant(scope));
        of_all.or(of_any).or(of_groups)
    }
}

/// GHES tells a membership to tokens with it.
fn read_org() -> Scope {
    "read:org".parse().expect("a scope of GHES")
}

fn hostless(at: usize, session: &SessionConfig) -> String {
    let (_, login_host) = session.login_url.origin();
    format!(
        "routes[{at}].login: without hosts, people log in where {login_host} or hosts of other routes \
         with a login are asked for, and get 401 elsewhere; write hosts = [\"{login_host}\"], or \
         those by which browsers know the tool"
    )
}

fn lacking_scope(at: usize, scope: &Scope) -> String {
    format!(
        "session.scopes: routes[{at}] asks for {scope}, which the tokens of people who log in do not \
         have, so that it can refuse them; add it"
    )
}

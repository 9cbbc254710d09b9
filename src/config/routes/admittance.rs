use std::time::Duration;

use super::people::{ACCOUNT_TYPES, PeopleConfig};
use super::tokens::TokensConfig;
use super::{RouteConfig, refuse_question};
use crate::config::ghes::servers::Servers;
use crate::config::reader::duration::MaxAge;
use crate::config::reader::kind::{Plain, Shape};
use crate::config::reader::pattern::refuse_pattern;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::scope::{InvalidScope, Scope, Scopes};

/// The people that a route or a caller is for, and the tokens they bring.
///
/// One reader for both, so that a key means the same wherever it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Admittance {
    /// Whose tokens are good, from `ghes` and `apps`. None where no token is asked for.
    pub tokens: Option<TokensConfig>,
    /// The scopes a token needs, all of them. Absent: none, so every good token will do.
    pub scopes: Scopes,
    /// Scopes of which a token needs one. Absent: none.
    pub scopes_any: Vec<Scope>,
    /// Whether tokens of GitHub Apps, which never have scopes, pass without those. Absent: no.
    pub exempt_github_apps: bool,
    /// The people, from `users`, `user_ids`, `site_admins`, `orgs`, `teams`, `people` and
    /// `account_types`.
    pub people: PeopleConfig,
    /// The longest that a revoked token still works. Absent: as long as everywhere.
    pub max_age: Option<Duration>,
}

impl Admittance {
    /// The keys of a route, and of a caller.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// the server of the tokens; may be left out if there is one
        ghes: Shape::Text, shown "ghes.example.com";
        /// the apps of the tokens; absent: all of the server, but a preset only if there is no other
        apps: Shape::List(&Shape::Text), shown ["Iv1.8a61f9b3a7aba766"];
        /// all of these; absent: every good token
        scopes: Shape::List(&Shape::Text), shown ["read:org"];
        /// like ["gist", "repo"]: one of these
        scopes_any: Shape::List(&Shape::Text), default [];
        /// true: tokens of GitHub Apps need no scope; they never have one
        exempt_github_apps: Shape::Boolean, default false;
        /// who may enter, in any of these keys; all absent: everybody
        users: Shape::List(&Shape::Text), shown ["octocat"];
        /// as users, but an id stays when a login changes
        user_ids: Shape::List(&Shape::Integer { from: 1, to: i64::MAX as u64 }), shown [1];
        /// true: administrators of the GHES
        site_admins: Shape::Boolean, default false;
        /// members of one of these; GHES is asked with the user's token
        orgs: Shape::List(&Shape::Text), shown ["octo-org"];
        /// members of one of these, or of a team below
        teams: Shape::List(&Shape::Text), shown ["octo-org/platform"];
        /// "all": each of the given keys must name the person
        people: Shape::Words(&["any", "all"]), default "any";
        /// required beside all that; absent: all types
        account_types: Shape::List(&Shape::Words(&ACCOUNT_TYPES)), shown ["User"];
        /// less than active_max_age; absent: that
        max_age: MaxAge::SHAPE, shown "10s";
    };

    /// Every token of one app.
    pub(crate) fn of_app(ghes: &str, client_id: &str) -> Self {
        Self {
            tokens: Some(TokensConfig {
                ghes: ghes.to_owned(),
                apps: vec![client_id.to_owned()],
            }),
            scopes: Scopes::default(),
            scopes_any: Vec::new(),
            exempt_github_apps: false,
            people: PeopleConfig::default(),
            max_age: None,
        }
    }

    /// Reads the keys. Where no token is asked for, those that ask something of one are refused.
    pub(in crate::config) fn read(
        section: &mut Section<'_>,
        servers: Servers<'_>,
        anonymous: bool,
    ) -> Self {
        let mut scopes = |key| {
            let scopes = section.list(key, Node::items, scope);
            scopes.unwrap_or_default()
        };
        let (scopes, scopes_any) = (scopes("scopes"), scopes("scopes_any"));
        let read = Self {
            scopes: scopes.into_iter().collect(),
            scopes_any,
            exempt_github_apps: section.flag("exempt_github_apps"),
            people: PeopleConfig::read(section),
            max_age: section.optional("max_age", MaxAge::read),
            tokens: TokensConfig::read(section, servers, anonymous),
        };
        read.refuse_contradictions(section, anonymous);
        read
    }

    fn refuse_contradictions(&self, section: &Section<'_>, anonymous: bool) {
        if anonymous {
            let asked = self.questions().into_iter().filter(|(_, asked)| *asked);
            asked.for_each(|(key, _)| refuse_question(section, key));
        }
        if self.exempt_github_apps && !self.needs_scopes() {
            let message = "has no effect without scopes or scopes_any; drop it";
            section.refuse("exempt_github_apps", message);
        }
    }

    /// The keys that ask something of a token, and whether they do.
    fn questions(&self) -> [(&'static str, bool); 9] {
        [
            ("scopes", !self.scopes.is_empty()),
            ("scopes_any", !self.scopes_any.is_empty()),
            ("users", !self.people.users.is_empty()),
            ("user_ids", !self.people.user_ids.is_empty()),
            ("site_admins", self.people.site_admins),
            ("orgs", !self.people.orgs.is_empty()),
            ("teams", !self.people.teams.is_empty()),
            ("account_types", !self.people.account_types.is_empty()),
            ("max_age", self.max_age.is_some()),
        ]
    }

    /// Tells whether a token needs scopes, which those of GitHub Apps never have.
    #[must_use]
    pub fn needs_scopes(&self) -> bool {
        !self.scopes.is_empty() || !self.scopes_any.is_empty()
    }

    pub(crate) fn of(route: &RouteConfig) -> Self {
        Self {
            tokens: route.tokens.clone().filter(|_| !route.anonymous),
            scopes: route.scopes.clone(),
            scopes_any: route.scopes_any.clone(),
            exempt_github_apps: route.exempt_github_apps,
            people: route.people.clone(),
            max_age: route.max_age,
        }
    }

    /// Tells whether everybody comes in.
    pub(crate) fn is_open(&self) -> bool {
        self.tokens.is_none()
    }

    /// Tells whether the other lets in everyone that this lets in. False where that is not plain to
    /// see.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let (Some(ours), Some(theirs)) = (&self.tokens, &other.tokens) else {
            return other.is_open();
        };
        let is_as_young = match (self.max_age, other.max_age) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours <= theirs,
        };
        ours.ghes == theirs.ghes
            && ours.apps.iter().all(|app| theirs.apps.contains(app))
            && self.has_scopes_of(other)
            && (other.people == PeopleConfig::default() || self.people == other.people)
            && is_as_young
    }

    fn has_scopes_of(&self, other: &Self) -> bool {
        let asks_for = |scope| self.scopes.iter().any(|ours| ours == scope);
        let asks_for_all = other.scopes.iter().all(asks_for);
        let asks_for_one = other.scopes_any.is_empty() || self.scopes_any == other.scopes_any;
        let asks_for_none = other.scopes.iter().next().is_none() && other.scopes_any.is_empty();
        let exempts_no_more = !self.exempt_github_apps || other.exempt_github_apps;
        asks_for_none || (asks_for_all && asks_for_one && exempts_no_more)
    }
}

fn scope(node: Node) -> Result<Scope, String> {
    let name = node.text()?;
    refuse_pattern(&name, "name each scope")?;
    name.parse()
        .map_err(|error: InvalidScope| error.to_string())
}

//! What policies mean, written down plainly: a tree of rules, and whom it lets in.

use std::collections::BTreeMap;

use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::{Group, Membership};
use ghes_gatekeeper::policy::{
    All, Any, AnyUser, ByPath, Decision, Denial, GitHubAppUser, Policy, RequireAccountType,
    RequireGroup, RequireScopes, RequireSiteAdmin, RequireUser,
};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::TokenKind;
use http::Method;
use proptest::prelude::*;

pub(crate) const LOGINS: [&str; 3] = ["octocat", "hubot", "Mona-Lisa"];
pub(crate) const GROUPS: [&str; 4] = ["octo-org", "other-org", "octo-org/platform", "octo-org/web"];
pub(crate) const PATHS: [&str; 7] = [
    "/",
    "/notes",
    "/notes/1",
    "/notesy",
    "/notes/../admin",
    "/admin",
    "/%61dmin",
];
pub(crate) const SCOPES: [&str; 5] = ["repo", "public_repo", "admin:org", "read:org", "gist"];
pub(crate) const KINDS: [&str; 2] = ["User", "Bot"];

/// A request, and all there is to know about who makes it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) login: usize,
    pub(crate) is_site_admin: bool,
    pub(crate) kind: usize,
    pub(crate) scopes: Vec<usize>,
    pub(crate) token_kind: TokenKind,
    pub(crate) method: Method,
    pub(crate) path: usize,
    pub(crate) memberships: Vec<Membership>,
}

impl Case {
    pub(crate) fn identity(&self) -> Identity {
        // As GHES may write it.
        let login = LOGINS[self.login].to_ascii_uppercase();
        let user = User::new(&login, self.login as u64 + 1)
            .with_site_admin(self.is_site_admin)
            .with_kind(KINDS[self.kind]);
        super::identity(user, &self.scope_names())
    }

    pub(crate) fn truth(&self) -> BTreeMap<Group, Membership> {
        let groups = GROUPS.map(|name| name.parse().expect("a group"));
        groups.into_iter().zip(self.memberships.clone()).collect()
    }

    pub(crate) fn scope_names(&self) -> Vec<&'static str> {
        self.scopes.iter().map(|&scope| SCOPES[scope]).collect()
    }

    fn holds(&self, scope: usize) -> bool {
        self.scope_names().iter().any(|&held| {
            held == SCOPES[scope]
                || matches!(
                    (held, SCOPES[scope]),
                    ("repo", "public_repo") | ("admin:org", "read:org")
                )
        })
    }
}

/// A policy as a tree.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Anybody,
    Login(usize),
    Id(usize),
    SiteAdmin,
    Kind(usize),
    Scopes(Vec<usize>),
    OneScope(Vec<usize>),
    AppUser,
    Group(usize),
    Safe,
    Path(usize, Box<Self>, Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Rule {
    /// Whether the rule lets somebody in; none where that depends on what may not be seen.
    pub(crate) fn lets_in(&self, case: &Case) -> Option<bool> {
        match self {
            Self::Anybody => Some(true),
            Self::Login(user) | Self::Id(user) => Some(*user == case.login),
            Self::SiteAdmin => Some(case.is_site_admin),
            Self::Kind(kind) => Some(*kind == case.kind),
            Self::Scopes(scopes) => Some(scopes.iter().all(|&scope| case.holds(scope))),
            Self::OneScope(scopes) => Some(scopes.iter().any(|&scope| case.holds(scope))),
            Self::AppUser => Some(case.token_kind == TokenKind::UserToServer),
            Self::Group(group) => match &case.memberships[*group] {
                Membership::Active => Some(true),
                Membership::NotMember => Some(false),
                _ => None,
            },
            Self::Safe => Some(case.method.is_safe()),
            Self::Path(path, there, elsewhere) => {
                match (PATHS[*path], PATHS[case.path]) {
                    // Who knows how the service reads it.
                    ("/notes" | "/admin", "/notes/../admin") | ("/admin", "/%61dmin") => {
                        all(&[&**there, &**elsewhere], case)
                    }
                    ("/", _) | ("/notes", "/notes" | "/notes/1") => there.lets_in(case),
                    (top, path) if top == path => there.lets_in(case),
                    _ => elsewhere.lets_in(case),
                }
            }
            Self::All(rules) => all(&rules.iter().collect::<Vec<_>>(), case),
            Self::Any(rules) => {
                let each: Vec<_> = rules.iter().map(|rule| rule.lets_in(case)).collect();
                if each.contains(&Some(true)) {
                    Some(true)
                } else if each.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Self::Not(rule) => rule.lets_in(case).map(|lets_in| !lets_in),
        }
    }

    pub(crate) fn policy(&self) -> Box<dyn Policy> {
        match self {
            Self::Anybody => Box::new(AnyUser::default()),
            Self::Login(user) => Box::new(RequireUser::by_login([LOGINS[*user]])),
            Self::Id(user) => Box::new(RequireUser::by_id([*user as u64 + 1])),
            Self::SiteAdmin => Box::new(RequireSiteAdmin),
            Self::Kind(kind) => Box::new(RequireAccountType::any_of([KINDS[*kind]])),
            Self::Scopes(scopes) => Box::new(RequireScopes::new(named(scopes))),
            Self::OneScope(scopes) => Box::new(RequireScopes::any_of(named(scopes))),
            Self::AppUser => Box::new(GitHubAppUser),
            Self::Group(group) => {
                Box::new(RequireGroup::new(GROUPS[*group].parse().expect("a group")))
            }
            Self::Safe => Box::new(|_: &Identity, method: &Method, _: &str| {
                method.is_safe().then_some(()).ok_or(Denial::Forbidden)
            }),
            Self::Path(path, there, elsewhere) => {
                let elsewhere = ByPath::otherwise(elsewhere.policy());
                Box::new(elsewhere.with(PATHS[*path], there.policy()))
            }
            Self::All(rules) => Box::new(rules.iter().map(Self::policy).collect::<All>()),
            Self::Any(rules) => Box::new(rules.iter().map(Self::policy).collect::<Any>()),
            Self::Not(rule) => Box::new(ghes_gatekeeper::policy::Not::new(rule.policy())),
        }
    }

    /// The groups that the rule names anywhere.
    pub(crate) fn groups(&self) -> Vec<Group> {
        match self {
            Self::Group(group) => vec![GROUPS[*group].parse().expect("a group")],
            Self::Path(_, there, elsewhere) => [there, elsewhere]
                .iter()
                .flat_map(|rule| rule.groups())
                .collect(),
            Self::All(rules) | Self::Any(rules) => rules.iter().flat_map(Self::groups).collect(),
            Self::Not(rule) => rule.groups(),
            _ => Vec::new(),
        }
    }
}

fn all(rules: &[&Rule], case: &Case) -> Option<bool> {
    let each: Vec<_> = rules.iter().map(|rule| rule.lets_in(case)).collect();
    if each.contains(&Some(false)) {
        Some(false)
    } else if each.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn named(scopes: &[usize]) -> Scopes {
    Scopes::parse(scopes.iter().map(|&scope| SCOPES[scope])).expect("scopes")
}

/// The decision that the reference has for one that is final.
pub(crate) fn meaning(decision: &Decision) -> Option<bool> {
    match decision {
        Decision::Allowed => Some(true),
        Decision::Denied(_) => Some(false),
        Decision::Obscured(_) => None,
        Decision::Undecided(_) => panic!("undecided"),
    }
}

pub(crate) fn rules() -> impl Strategy<Value = Rule> {
    let scopes = || prop::collection::vec(0..SCOPES.len(), 0..3);
    let leaf = prop_oneof![
        1 => Just(Rule::Anybody),
        1 => (0..LOGINS.len()).prop_map(Rule::Login),
        1 => (0..LOGINS.len()).prop_map(Rule::Id),
        1 => Just(Rule::SiteAdmin),
        1 => (0..KINDS.len()).prop_map(Rule::Kind),
        1 => scopes().prop_map(Rule::Scopes),
        1 => scopes().prop_map(Rule::OneScope),
        1 => Just(Rule::AppUser),
        1 => Just(Rule::Safe),
        4 => (0..GROUPS.len()).prop_map(Rule::Group),
    ];
    leaf.prop_recursive(4, 24, 4, |rule| {
        // Paths that a route may have.
        let path = prop::sample::select(vec![0, 1, 5]);
        prop_oneof![
            3 => prop::collection::vec(rule.clone(), 0..4).prop_map(Rule::All),
            3 => prop::collection::vec(rule.clone(), 0..4).prop_map(Rule::Any),
            2 => rule.clone().prop_map(|rule| Rule::Not(Box::new(rule))),
            1 => (path, rule.clone(), rule)
                .prop_map(|(path, a, b)| Rule::Path(path, Box::new(a), Box::new(b))),
        ]
    })
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let membership = prop_oneof![
        Just(Membership::Active),
        Just(Membership::NotMember),
        Just(Membership::NotVisible(Scopes::default())),
        Just(Membership::NotVisible(named(&[3, 0]))),
    ];
    (
        0..LOGINS.len(),
        any::<bool>(),
        0..KINDS.len(),
        prop::collection::vec(0..SCOPES.len(), 0..3),
        prop::sample::select(vec![
            TokenKind::OAuth,
            TokenKind::UserToServer,
            TokenKind::Other,
        ]),
        prop::sample::select(vec![Method::GET, Method::POST]),
        0..PATHS.len(),
        prop::collection::vec(membership, GROUPS.len()),
    )
        .prop_map(
            |(login, is_site_admin, kind, scopes, token_kind, method, path, memberships)| Case {
                login,
                is_site_admin,
                kind,
                scopes,
                token_kind,
                method,
                path,
                memberships,
            },
        )
}

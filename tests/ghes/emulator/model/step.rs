//! What a sequence is made of. Numbers choose among what there is, so that any sequence makes sense.
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// An app, the number of a token, and what to do with it.
    AsApp(AppCaller, usize, AppAct),
    AsUser(UserCaller, UserAct),
    /// An app, a user, scopes and a lifetime in seconds.
    Mint(usize, usize, Scopes, Option<u64>),
    Use(usize),
    Wait(u64),
}

/// An app that may have its secret wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct AppCaller {
    pub(super) app: usize,
    pub(super) knows_secret: bool,
}

/// A user who may have the password wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserCaller {
    pub(super) user: usize,
    pub(super) knows_password: bool,
}

#[derive(Clone, Debug)]
pub(super) enum AppAct {
    Check,
    Reset,
    DeleteToken,
    DeleteAuthorization,
    /// To what belongs to this user or organisation.
    Scope(&'static str),
}

#[derive(Clone, Debug)]
pub(super) enum UserAct {
    Grants(List),
    Grant(u64),
    DeleteGrant(u64),
    Authorizations(List),
    Authorization(u64),
    /// For an app, or a personal access token.
    Create(Option<AppCaller>, New),
    GetOrCreate(AppCaller, New),
    GetOrCreateByFingerprint(AppCaller, &'static str, New),
    Update(u64, Change),
    Delete(u64),
}

/// Which part of a list, and in pages of which size.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) client_id: Option<&'static str>,
    pub(super) per_page: u8,
}

#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) scopes: Scopes,
    pub(super) note: Option<&'static str>,
    pub(super) fingerprint: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) scopes: ScopeChange,
    pub(super) note: Option<&'static str>,
    pub(super) fingerprint: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ScopeChange {
    None,
    Replace(Scopes),
    AddAndRemove(Scopes, Scopes),
}

/// One of a few sets of scopes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scopes(usize);

impl AppCaller {
    pub(super) const fn honest(app: usize) -> Self {
        Self {
            app,
            knows_secret: true,
        }
    }
}

impl UserCaller {
    pub(super) const fn honest(user: usize) -> Self {
        Self {
            user,
            knows_password: true,
        }
    }
}

impl List {
    pub(super) const fn in_pages_of(per_page: u8) -> Self {
        Self {
            client_id: None,
            per_page,
        }
    }
}

impl Scopes {
    pub(super) fn listed(self) -> &'static [&'static str] {
        [
            &["repo"][..],
            &["gist", "user"],
            &[],
            &["user", "gist"],
            &["user:email", "gist", "user", "gist"],
            &["public_repo", "user"],
        ][self.0]
    }
}

/// Steps, a few of which are repeated together: a second deletion, ten bad passwords, eleven tokens
/// of which some are used.
pub(super) fn sequence() -> impl Strategy<Value = Vec<Step>> {
    let times = prop_oneof![8 => Just(1), 1 => Just(2), 2 => 10..13_usize];
    let rounds = (vec(step(), 1..4), times).prop_map(|(steps, times)| vec![steps; times].concat());
    vec(rounds, 1..10).prop_map(|all| all.concat())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (app_caller(), token(), app_act())
            .prop_map(|(caller, token, act)| Step::AsApp(caller, token, act)),
        10 => (user_caller(), user_act()).prop_map(|(caller, act)| Step::AsUser(caller, act)),
        3 => (0..2_usize, user(), scopes(), option::of(1..20_u64))
            .prop_map(|(app, user, scopes, seconds)| Step::Mint(app, user, scopes, seconds)),
        4 => token().prop_map(Step::Use),
        1 => prop_oneof![9 => 1..5_u64, 1 => Just(3600)].prop_map(Step::Wait),
    ]
}

fn app_act() -> impl Strategy<Value = AppAct> {
    prop_oneof![
        2 => Just(AppAct::Check),
        2 => Just(AppAct::Reset),
        1 => Just(AppAct::DeleteToken),
        1 => Just(AppAct::DeleteAuthorization),
        2 => prop::sample::select(&["octocat", "octo-org", "nobody"][..]).prop_map(AppAct::Scope),
    ]
}

fn user_act() -> impl Strategy<Value = UserAct> {
    prop_oneof![
        1 => list().prop_map(UserAct::Grants),
        1 => grant_id().prop_map(UserAct::Grant),
        1 => grant_id().prop_map(UserAct::DeleteGrant),
        2 => list().prop_map(UserAct::Authorizations),
        4 => authorization_id().prop_map(UserAct::Authorization),
        8 => (option::weighted(0.8, user_app()), new()).prop_map(|(app, new)| UserAct::Create(app, new)),
        3 => (user_app(), new()).prop_map(|(app, new)| UserAct::GetOrCreate(app, new)),
        3 => (user_app(), label(), new())
            .prop_map(|(app, label, new)| UserAct::GetOrCreateByFingerprint(app, label, new)),
        3 => (authorization_id(), change()).prop_map(|(id, change)| UserAct::Update(id, change)),
        1 => authorization_id().prop_map(UserAct::Delete),
    ]
}

fn app_caller() -> impl Strategy<Value = AppCaller> {
    (0..2_usize, prop::bool::weighted(0.95))
        .prop_map(|(app, knows_secret)| AppCaller { app, knows_secret })
}

/// Users mostly name the OAuth app, as the legacy API has no GitHub Apps.
fn user_app() -> impl Strategy<Value = AppCaller> {
    (
        prop_oneof![12 => Just(1_usize), 1 => Just(0)],
        prop::bool::weighted(0.95),
    )
        .prop_map(|(app, knows_secret)| AppCaller { app, knows_secret })
}

fn user_caller() -> impl Strategy<Value = UserCaller> {
    (user(), prop::bool::weighted(0.95)).prop_map(|(user, knows_password)| UserCaller {
        user,
        knows_password,
    })
}

/// Mostly octocat, so that there is much of the same.
fn user() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0), 2 => Just(1), 1 => Just(2)]
}

fn list() -> impl Strategy<Value = List> {
    let client_ids = &[super::GITHUB_APP, super::OAUTH_APP, super::PERSONAL][..];
    let client_id = option::weighted(0.3, prop::sample::select(client_ids));
    (client_id, 1..5_u8).prop_map(|(client_id, per_page)| List {
        client_id,
        per_page,
    })
}

fn new() -> impl Strategy<Value = New> {
    (
        scopes(),
        option::of(label()),
        option::weighted(0.3, label()),
    )
        .prop_map(|(scopes, note, fingerprint)| New {
            scopes,
            note,
            fingerprint,
        })
}

fn change() -> impl Strategy<Value = Change> {
    let scopes = prop_oneof![
        Just(ScopeChange::None),
        scopes().prop_map(ScopeChange::Replace),
        (scopes(), scopes()).prop_map(|(add, remove)| ScopeChange::AddAndRemove(add, remove)),
    ];
    (scopes, option::of(label()), option::of(label())).prop_map(|(scopes, note, fingerprint)| {
        Change {
            scopes,
            note,
            fingerprint,
        }
    })
}

fn scopes() -> impl Strategy<Value = Scopes> {
    prop_oneof![2 => Just(0), 1 => 0..6_usize].prop_map(Scopes)
}

/// A note or a fingerprint; not all can stand in a path as they are.
fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "ü/?#%"][..])
}

fn token() -> impl Strategy<Value = usize> {
    0..64_usize
}

fn authorization_id() -> impl Strategy<Value = u64> {
    1..12_u64
}

fn grant_id() -> impl Strategy<Value = u64> {
    1..6_u64
}

//! Who is asked about what, and what those who are turned away are told.

use ghes_gatekeeper::membership::{Group, Membership};
use ghes_gatekeeper::policy::{
    All, Any, Decision, Denial, Facts, GitHubAppUser, Policy, RequireGroup, RequireScopes,
    RequireUser,
};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::TokenKind;
use http::Method;

use super::{identity, octocat};

fn group(name: &str) -> Group {
    name.parse().expect("a group")
}

fn team() -> RequireGroup {
    RequireGroup::new(group("octo-org/platform"))
}

fn scopes(names: &[&str]) -> RequireScopes {
    RequireScopes::new(Scopes::parse(names.iter().copied()).expect("scopes"))
}

fn missing(names: &[&str]) -> Denial {
    Denial::InsufficientScope(Scopes::parse(names.iter().copied()).expect("scopes"))
}

fn decide(policy: &impl Policy, membership: impl Into<Option<Membership>>) -> Decision {
    let octocat = octocat();
    let membership = membership.into();
    let view = |_: &Group| membership.clone();
    policy.authorize(&Facts::new(&octocat, &Method::GET, "/").with_memberships(&view))
}

#[test]
fn who_is_named_is_asked_about_no_team() {
    for policy in [
        RequireUser::by_login(["OctoCat"]).or(team()),
        team().or(RequireUser::by_id([1])),
    ] {
        assert_eq!(decide(&policy, None), Decision::Allowed);
    }
    let other = RequireUser::by_login(["hubot"]).or(team());
    let undecided = Decision::Undecided(vec![group("octo-org/platform")]);
    assert_eq!(decide(&other, None), undecided);
}

#[test]
fn who_lacks_a_scope_is_asked_about_no_team() {
    let denied = Decision::Denied(missing(&["repo"]));
    for policy in [scopes(&["repo"]).and(team()), team().and(scopes(&["repo"]))] {
        assert_eq!(decide(&policy, None), denied);
    }
}

#[test]
fn each_group_is_asked_about_once() {
    let policy: Any = [team(), RequireGroup::new(group("octo-org")), team()]
        .into_iter()
        .collect();
    let undecided = Decision::Undecided(vec![group("octo-org/platform"), group("octo-org")]);
    assert_eq!(decide(&policy, None), undecided);
}

#[test]
fn nobody_comes_in_because_the_token_may_not_show_where_they_belong() {
    let hidden = || Some(Membership::NotVisible(Scopes::default()));
    let forbidden = Decision::Obscured(Denial::Forbidden);
    assert_eq!(decide(&team(), hidden()), forbidden);
    assert_eq!(decide(&team().not(), hidden()), forbidden);
    assert_eq!(decide(&team().not().not(), hidden()), forbidden);
    let not_one_of_them = RequireUser::by_id([7]).or(team()).not();
    assert_eq!(decide(&not_one_of_them, hidden()), forbidden);
    assert_eq!(
        decide(&team().not(), Some(Membership::NotMember)),
        Decision::Allowed
    );
}

#[test]
fn who_cannot_be_seen_is_told_the_scope_that_grants_least() {
    let accepted = Scopes::parse(["admin:org", "read:org", "repo", "write:org"]).expect("scopes");
    let hidden = Some(Membership::NotVisible(accepted));
    let told = Decision::Obscured(missing(&["read:org"]));
    assert_eq!(decide(&team(), hidden.clone()), told);
    assert_eq!(
        decide(&scopes(&["repo"]).or(team()), hidden),
        Decision::Obscured(missing(&["repo"]))
    );
}

#[test]
fn all_missing_scopes_are_told_at_once_unless_nothing_helps() {
    let both = scopes(&["repo"]).and(scopes(&["gist"]));
    assert_eq!(
        decide(&both, None),
        Decision::Denied(missing(&["gist", "repo"]))
    );
    let neither = both.and(RequireUser::by_id([2]));
    assert_eq!(decide(&neither, None), Decision::Denied(Denial::Forbidden));
    let either = RequireUser::by_id([2]).or(scopes(&["repo"]));
    assert_eq!(decide(&either, None), Decision::Denied(missing(&["repo"])));
}

#[test]
fn all_of_nothing_lets_everybody_in_and_one_of_nothing_nobody() {
    assert_eq!(decide(&All::default(), None), Decision::Allowed);
    assert_eq!(
        decide(&Any::default(), None),
        Decision::Denied(Denial::Forbidden)
    );
}

#[test]
fn users_of_github_apps_come_in_where_a_policy_says_so() {
    let decide = |policy: &dyn Policy, kind, held: &[&str]| {
        let identity = identity(octocat().user().clone(), held);
        policy.authorize(&Facts::new(&identity, &Method::GET, "/").with_token_kind(kind))
    };
    let strict = scopes(&["repo"]);
    let app_users_too = scopes(&["repo"]).or(GitHubAppUser);
    let denied = Decision::Denied(missing(&["repo"]));
    for (kind, held, without, with) in [
        (
            TokenKind::UserToServer,
            &[][..],
            &denied,
            &Decision::Allowed,
        ),
        (TokenKind::OAuth, &[], &denied, &denied),
        (TokenKind::Other, &[], &denied, &denied),
        (
            TokenKind::OAuth,
            &["repo"],
            &Decision::Allowed,
            &Decision::Allowed,
        ),
    ] {
        assert_eq!(decide(&strict, kind, held), *without, "{kind:?}");
        // Those who need the scope are told so, whoever else comes in without it.
        let told = decide(&app_users_too, kind, held);
        assert_eq!(told, *with, "{kind:?}");
    }
}

use super::refused::assert_refused;
use super::{Config, edited, errors};

#[test]
fn every_key_about_people_is_refused_where_it_cannot_be_kept() {
    assert_refused(REFUSED);
}

#[test]
fn an_empty_list_beside_others_names_nobody_more() {
    let toml = edited(
        "scopes = [",
        "users = []\norgs = [\"octo-org\"]\nscopes = [",
    );
    assert_eq!(
        Config::parse(&toml, []).unwrap().routes[0]
            .people
            .users
            .len(),
        0
    );
}

#[test]
fn whoever_is_asked_for_no_token_is_nobody() {
    for key in [
        "users = ['octocat']",
        "user_ids = [1]",
        "site_admins = true",
        "orgs = ['octo-org']",
        "teams = ['octo-org/platform']",
        "account_types = ['User']",
    ] {
        let toml = edited("scopes = [\"read:org\"]", key)
            .replace("anonymous = false", "anonymous = true")
            .replace("path = \"/\"", "path = \"/a\"");
        let name = key.split(' ').next().unwrap();
        let error = format!(
            "routes[0].{name}: has no effect on an anonymous route; drop {name} or anonymous"
        );
        assert!(
            errors(&toml, &[]).ends_with(&error),
            "{}",
            errors(&toml, &[])
        );
    }
}

/// What stands in [`GOOD`](super::GOOD), what is written instead, and what is said about it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "scopes = [",
        "users = [\"a b\"]\nscopes = [",
        "19: routes[0].users[0]: not a login; write it as in the address of the profile, like octocat",
    ),
    (
        "scopes = [",
        "users = [\"\"]\nscopes = [",
        "19: routes[0].users[0]: not a login; write it as in the address of the profile, like octocat",
    ),
    (
        "scopes = [",
        "users = []\nscopes = [",
        "19: routes[0].users: is empty; leave it out if everybody may enter",
    ),
    (
        "scopes = [",
        "user_ids = [0]\nscopes = [",
        "19: routes[0].user_ids[0]: not the id of a user, which is a positive number",
    ),
    (
        "scopes = [",
        "user_ids = []\nscopes = [",
        "19: routes[0].user_ids: is empty; leave it out if everybody may enter",
    ),
    (
        "scopes = [",
        "orgs = [\"octo-org/platform\"]\nscopes = [",
        "19: routes[0].orgs[0]: names a team; move it to teams",
    ),
    (
        "scopes = [",
        "orgs = [\"octo org\"]\nscopes = [",
        "19: routes[0].orgs[0]: write an organization as octo-org and a team as octo-org/platform",
    ),
    (
        "scopes = [",
        "orgs = []\nscopes = [",
        "19: routes[0].orgs: is empty; leave it out if everybody may enter",
    ),
    (
        "scopes = [",
        "teams = [\"platform\"]\nscopes = [",
        "19: routes[0].teams[0]: names no team; write it like octo-org/platform, or move it to orgs",
    ),
    (
        "scopes = [",
        "teams = [\"octo-org/\"]\nscopes = [",
        "19: routes[0].teams[0]: write an organization as octo-org and a team as octo-org/platform",
    ),
    (
        "scopes = [",
        "teams = []\nscopes = [",
        "19: routes[0].teams: is empty; leave it out if everybody may enter",
    ),
    (
        "scopes = [",
        "account_types = [\"Robot\"]\nscopes = [",
        "19: routes[0].account_types[0]: not a type of account; write User or Bot",
    ),
    (
        "scopes = [",
        "account_types = []\nscopes = [",
        "19: routes[0].account_types: is empty; leave it out if everybody may enter",
    ),
    (
        "scopes = [",
        "people = \"all\"\nscopes = [",
        "19: routes[0].people: there is nothing to combine; drop it",
    ),
    (
        "scopes = [",
        "users = [\"a\"]\npeople = \"both\"\nscopes = [",
        "20: routes[0].people: not known; write \"any\" or \"all\"",
    ),
    (
        "scopes = [\"read:org\"]",
        "exempt_github_apps = true",
        "19: routes[0].exempt_github_apps: has no effect without scopes or scopes_any; drop it",
    ),
    (
        "active_capacity = 100000",
        "active_capacity = 100000\nmembership_max_age = \"0s\"",
        "15: cache.membership_max_age: must be more than 0s and at most 1h",
    ),
    (
        "active_capacity = 100000",
        "active_capacity = 100000\nmembership_capacity = 0",
        "15: cache.membership_capacity: must be at least 1",
    ),
];

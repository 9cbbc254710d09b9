//! Callers, and what Kubernetes is told.

use secrecy::ExposeSecret;

use crate::config::{Config, DecisionsConfig};

const SECRET: &str = "CANARYCALLERSECRET";

/// The lines of one caller and those of another table, in a configuration that holds together.
fn with(caller: &str, further: &str) -> String {
    format!(
        "[ghes]
url = \"https://ghes.example.com\"
[[ghes.apps]]
client_id = \"Iv1.8a61f9b3a7aba766\"
client_secret = \"3ef4ad510c59ad37bac6\"
[[routes]]
path = \"/\"
upstream = \"http://127.0.0.1:3000\"
[decisions]
listen = \"127.0.0.1:0\"
[[decisions.callers]]
{caller}
{further}"
    )
}

fn caller(keys: &str) -> String {
    format!("id = \"apisix\"\nsecret = \"{SECRET}\"\n{keys}")
}

fn read(toml: &str) -> DecisionsConfig {
    let config = Config::parse(toml, []).unwrap();
    let printed = config.to_redacted_toml();
    assert!(!printed.contains(SECRET) && !format!("{config:?}").contains(SECRET));
    // What is printed is read as it was, but for the secrets.
    let filled = printed.replace("\"[redacted]\"", "\"3ef4ad510c59ad37bac6\"");
    let again = Config::parse(&filled, []).unwrap();
    assert_eq!(again.to_redacted_toml(), printed);
    config.decisions.unwrap()
}

fn refused(toml: &str) -> String {
    let errors = Config::parse(toml, []).unwrap_err().to_string();
    assert!(!errors.contains(SECRET), "{errors}");
    errors
}

#[test]
fn a_caller_has_the_keys_of_a_route_that_say_who_may_enter() {
    let keys = "scopes = [\"gist\"]\nscopes_any = [\"repo\"]\nexempt_github_apps = true\n\
                orgs = [\"octo-org\"]\nteams = [\"octo-org/platform\"]\npeople = \"all\"\n\
                account_types = [\"User\"]\nmax_age = \"10s\"";
    let decisions = read(&with(&caller(keys), ""));
    let [apisix] = &*decisions.callers else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        (&*apisix.id, apisix.secret.expose_secret()),
        ("apisix", SECRET)
    );
    let admittance = &apisix.admittance;
    let tokens = admittance.tokens.as_ref().unwrap();
    assert_eq!(tokens.ghes, "ghes.example.com");
    assert_eq!(tokens.apps, ["Iv1.8a61f9b3a7aba766"]);
    assert_eq!(admittance.people.orgs[0].as_str(), "octo-org");
    assert!(admittance.needs_scopes() && admittance.exempt_github_apps);
}

#[test]
fn groups_and_prefixes_are_optional() {
    let decisions = read(&with(&caller(""), ""));
    assert!(decisions.token_review.groups.is_empty());
    let review = "[decisions.token_review]\ngroups = [\"Octo-Org\", \"octo-org/platform\"]\n\
                  username_prefix = \"ghes:\"\ngroups_prefix = \"ghes:\"";
    let review = read(&with(&caller(""), review)).token_review;
    let names: Vec<String> = review.groups.iter().map(|g| review.name_of(g)).collect();
    assert_eq!(names, ["ghes:octo-org", "ghes:octo-org:platform"]);
    assert_eq!(review.username_prefix, "ghes:");
}

#[test]
fn what_cannot_be_a_caller_is_refused_with_its_cure() {
    let twin = "[[decisions.callers]]\nid = \"kong\"\nsecret = \"CANARYCALLERSECRET\"";
    let namesake = "[[decisions.callers]]\nid = \"apisix\"\nsecret = \"another\"";
    for (keys, further, expected) in [
        ("secret = \"a\"", "", "callers[0].id: missing"),
        ("id = \"a\"", "", "callers[0].secret_file: missing"),
        (
            "id = \"a:b\"\nsecret = \"a\"",
            "",
            "callers[0].id: not 1 to 64",
        ),
        (
            "id = \"\"\nsecret = \"a\"",
            "",
            "callers[0].id: not 1 to 64",
        ),
        (
            "id = \"a\"\nsecret = \"\"",
            "",
            "callers[0].secret: is empty",
        ),
        (&caller("secret_file = \"/no\""), "", "keep one of them"),
        (
            &caller("ghes = \"other\""),
            "",
            "callers[0].ghes: no server",
        ),
        (&caller("apps = [\"other\"]"), "", "callers[0].apps[0]: "),
        (&caller("orgs = []"), "", "callers[0].orgs: is empty"),
        (
            &caller("people = \"all\""),
            "",
            "there is nothing to combine",
        ),
        (
            &caller("exempt_github_apps = true"),
            "",
            "has no effect without scopes",
        ),
        (&caller("path = \"/\""), "", "callers[0].path: unknown key"),
        (
            &caller("anonymous = true"),
            "",
            "callers[0].anonymous: unknown key",
        ),
        (
            &caller(""),
            twin,
            "callers[1].secret: has the secret of decisions.callers[0]",
        ),
        (
            &caller(""),
            namesake,
            "callers[1].id: is that of decisions.callers[0]",
        ),
    ] {
        let errors = refused(&with(keys, further));
        assert!(errors.contains(expected), "{expected} is not in: {errors}");
    }
}

/// `system:masters` may do everything in a cluster.
#[test]
fn no_name_of_kubernetes_itself_can_be_told() {
    for (keys, expected) in [
        (
            "groups = [\"system/masters\"]",
            "groups: system/masters would be a group of Kubernetes",
        ),
        (
            "groups = [\"masters\"]\ngroups_prefix = \"system:\"",
            "groups_prefix: begins names",
        ),
        (
            "username_prefix = \"system:node:\"",
            "username_prefix: begins names",
        ),
        (
            "username_prefix = \"a b\"",
            "username_prefix: holds more than visible ASCII",
        ),
        (
            "groups = [\"a/b/c\"]",
            "groups[0]: write an organization as",
        ),
    ] {
        let review = format!("[decisions.token_review]\n{keys}");
        let errors = refused(&with(&caller(""), &review));
        assert!(errors.contains(expected), "{expected} is not in: {errors}");
    }
    let many: Vec<String> = (0..33).map(|n| format!("\"org-{n}\"")).collect();
    let review = format!("[decisions.token_review]\ngroups = [{}]", many.join(", "));
    let errors = refused(&with(&caller(""), &review));
    assert!(
        errors.contains("groups: has more than 32 groups"),
        "{errors}"
    );
    let prefixed = "[decisions.token_review]\ngroups = [\"system/masters\"]\n\
                    groups_prefix = \"ghes:\"";
    read(&with(&caller(""), prefixed));
    let alone = "[decisions.token_review]\ngroups = [\"octo-org\"]";
    let toml = with(&caller(""), alone);
    let (before, _) = toml.split_once("[[decisions.callers]]").unwrap();
    let errors = refused(&format!("{before}{alone}"));
    assert!(
        errors.contains("token_review: has no effect without"),
        "{errors}"
    );
}

#[test]
fn a_caller_for_whom_no_token_can_be_active_is_warned_of() {
    let config = Config::parse(
        &with(&caller("scopes = [\"repo\"]\nmax_age = \"1h\""), ""),
        [],
    );
    let warnings = config.unwrap().warnings();
    let [shut, useless] = &*warnings else {
        panic!("{warnings:?}");
    };
    assert!(shut.starts_with("decisions.callers[0].scopes: "), "{shut}");
    assert!(
        useless.starts_with("decisions.callers[0].max_age: "),
        "{useless}"
    );
}

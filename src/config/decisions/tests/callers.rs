//! Callers, and what Kubernetes is told.

use secrecy::ExposeSecret;

use crate::config::{Config, DecisionsConfig};

const SECRET: &str = "CANARYCALLERSECRET0123456789abcdef";

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
    let filled = printed.replace(
        "\"[redacted]\"",
        "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
    );
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
    let other = |id: &str, secret: &str| {
        format!("[[decisions.callers]]\nid = \"{id}\"\nsecret = \"{secret}\"")
    };
    let twin = &*other("kong", SECRET);
    let namesake = &*other("apisix", "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f");
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

/// Anybody may guess.
#[test]
fn a_short_secret_is_refused_wherever_it_stands() {
    let file = std::env::temp_dir().join(format!("ghes-gatekeeper-short-{}", std::process::id()));
    for secret in [
        "a",
        "password",
        "correct-horse-battery-staple",
        &SECRET[..31],
    ] {
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        let in_file = format!("secret_file = {file:?}");
        for (key, line) in [
            ("secret", &*format!("secret = \"{secret}\"")),
            ("secret_file", &in_file),
        ] {
            let errors = refused(&with(&format!("id = \"a\"\n{line}"), ""));
            let expected = format!("decisions.callers[0].{key}: has less than 32 characters");
            assert!(errors.contains(&expected), "{errors}");
            assert!(errors.contains("openssl rand -hex 32") && !errors.contains("correct-horse"));
        }
    }
    std::fs::write(&file, &SECRET[..32]).unwrap();
    let decisions = read(&with(&format!("id = \"a\"\nsecret_file = {file:?}"), ""));
    assert_eq!(decisions.callers[0].secret.expose_secret(), &SECRET[..32]);
    let mut watched = decisions.callers[0].secret_file.clone().unwrap();
    std::fs::write(&file, "short").unwrap();
    let renewed = watched.renew().expect("another file").unwrap_err();
    assert!(
        renewed.starts_with("has less than 32 characters"),
        "{renewed}"
    );
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn secrets_in_clear_are_warned_of() {
    let warnings = |listen: &str, further: &str| {
        let toml = with(&caller(""), further).replace("\"127.0.0.1:0\"", listen);
        Config::parse(&toml, []).unwrap().warnings()
    };
    for (listen, told) in [
        ("\"0.0.0.0:8081\"", &["0.0.0.0:8081"][..]),
        ("\"[::]:8081\"", &["[::]:8081"]),
        ("\"10.0.0.1:8081\"", &["10.0.0.1:8081"]),
        (
            "[\"127.0.0.1:8081\", \"10.0.0.1:8081\", \"[2001:db8::1]:8081\"]",
            &["10.0.0.1:8081", "[2001:db8::1]:8081"],
        ),
        ("\"127.1.2.3:8081\"", &[]),
        ("\"[::1]:8081\"", &[]),
        ("\"[::ffff:127.0.0.1]:8081\"", &[]),
        ("\"unix:/run/gate.sock\"", &[]),
    ] {
        let warnings = warnings(listen, "");
        assert_eq!(warnings.len(), told.len(), "{listen} {warnings:?}");
        for (warning, address) in warnings.iter().zip(told) {
            assert!(warning.starts_with("decisions.listen: "), "{warning}");
            assert!(
                warning.contains(&format!("to {address}; set [decisions.tls]")),
                "{warning}"
            );
        }
    }
}

#[test]
fn more_memberships_than_one_answer_may_ask_about_are_warned_of() {
    let names = |kind: &str, count: usize| {
        let all: Vec<_> = (0..count).map(|n| format!("\"{kind}{n}\"")).collect();
        all.join(", ")
    };
    for (orgs, teams, told, shared, is_warned) in [
        (16, 16, 32, "told", false),
        (17, 16, 32, "told", true),
        (40, 0, 25, "told", true),
        (40, 0, 30, "org", false),
        (65, 0, 0, "told", true),
    ] {
        let (orgs, teams) = (names("org", orgs), names("octo-org/team", teams));
        let mut keys = format!("orgs = [{orgs}]\n");
        if !teams.is_empty() {
            keys.push_str(&format!("teams = [{teams}]\n"));
        }
        let review = format!(
            "[decisions.token_review]\ngroups = [{}]",
            names(shared, told)
        );
        let config = Config::parse(&with(&caller(&keys), &review), []).unwrap();
        let warnings = config.warnings();
        assert_eq!(!warnings.is_empty(), is_warned, "{warnings:?}");
        if let [warning] = &*warnings {
            assert!(warning.contains("asks about 64 at most"), "{warning}");
        }
    }
}

//! What differs of `[decisions]`.

use crate::config::decisions::Decisions;
use crate::config::reader::table::{Key, Table};
use crate::config::{Admittance, CallerConfig, Config, TokenReviewConfig};

const OLD: &str = r#"[ghes]
url = "https://ghes.example.com"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[[ghes.apps]]
client_id = "abcde12345fghij67890"
client_secret = "f7cc3eea3bf74008f4bb6cab73da95c015da4fe3"
[[routes]]
path = "/open"
anonymous = true
[decisions]
listen = "127.0.0.1:8081"
[[decisions.callers]]
id = "wiki"
secret = "0123456789abcdef0123456789abcdef"
orgs = ["octo-org", "other"]
[[decisions.callers]]
id = "kubernetes"
secret = "fedcba9876543210fedcba9876543210"
[decisions.token_review]
groups = ["octo-org", "octo-org/platform"]
username_prefix = "ghes:"
"#;

const ORGS: &str = "orgs = [\"octo-org\", \"other\"]\n";

fn parsed(toml: &str) -> Config {
    Config::parse(toml, []).unwrap()
}

fn differences(from: &str, to: &str) -> Vec<String> {
    assert!(OLD.contains(from), "{from}");
    parsed(&OLD.replacen(from, to, 1)).differences(&parsed(OLD))
}

#[test]
fn each_key_that_decides_names_its_caller() {
    for (line, key) in [
        ("scopes = [\"repo\"]", "scopes"),
        ("scopes_any = [\"repo\"]", "scopes_any"),
        ("users = [\"octocat\"]", "users"),
        ("user_ids = [1]", "user_ids"),
        ("site_admins = true", "site_admins"),
        ("teams = [\"octo-org/platform\"]", "teams"),
        (
            "people = \"all\"\nsite_admins = true",
            "site_admins, people",
        ),
        ("account_types = [\"User\"]", "account_types"),
        ("max_age = \"1s\"", "max_age"),
        ("apps = [\"abcde12345fghij67890\"]", "apps"),
    ] {
        let said = differences(ORGS, &format!("{ORGS}{line}\n"));
        assert_eq!(said, [format!("decisions.callers wiki: {key}")], "{line}");
    }
    assert_eq!(differences(ORGS, ""), ["decisions.callers wiki: orgs"]);
    let shorter = "[cache]\nactive_max_age = \"30s\"\n[ghes]";
    let key = "cache.active_max_age";
    let of_all = ["wiki", "kubernetes"].map(|id| format!("decisions.callers {id}: {key}"));
    assert_eq!(differences("[ghes]", shorter), of_all);
}

#[test]
fn what_is_no_decision_of_a_caller_is_no_difference() {
    for (from, to) in [
        (ORGS, "orgs = [\"OTHER\", \"octo-org\"]\n"),
        ("0123456789abcdef", "abcdef0123456789"),
        ("127.0.0.1:8081", "127.0.0.1:8082"),
        (
            "groups = [\"octo-org\", \"octo-org/platform\"]",
            "groups = [\"octo-org/platform\", \"octo-org\"]",
        ),
    ] {
        assert_eq!(differences(from, to), [""; 0], "{to}");
    }
}

#[test]
fn a_caller_comes_and_goes_by_its_id() {
    let renamed = differences("\"wiki\"", "\"wikis\"");
    let lines = [
        "decisions.callers wikis: added",
        "decisions.callers wiki: removed",
    ];
    assert_eq!(renamed, lines);
    let (without, _) = OLD.split_once("[decisions]").unwrap();
    let gone = [
        "decisions: token_review.groups, token_review.username_prefix",
        "decisions.callers wiki: removed",
        "decisions.callers kubernetes: removed",
    ];
    let upstream = "anonymous = true\nupstream = \"http://127.0.0.1:3000\"\n";
    let without = parsed(&without.replace("anonymous = true\n", upstream));
    assert_eq!(without.differences(&parsed(OLD)), gone);
    assert_eq!(parsed(OLD).differences(&without).len(), 3);
}

#[test]
fn what_the_entrance_says_is_a_difference() {
    let listen = "listen = \"127.0.0.1:8081\"\n";
    for (from, to, key) in [
        (
            listen,
            &*format!("{listen}oauth2_auth = \"nginx\"\n"),
            "oauth2_auth",
        ),
        ("\"octo-org/platform\"]", "]", "token_review.groups"),
        (
            "username_prefix = \"ghes:\"",
            "username_prefix = \"gh:\"",
            "token_review.username_prefix",
        ),
        (
            "username_prefix",
            "groups_prefix = \"ghes:\"\nusername_prefix",
            "token_review.groups_prefix",
        ),
    ] {
        assert_eq!(differences(from, to), [format!("decisions: {key}")]);
    }
}

/// A new key has to be compared, or to be named here.
#[test]
fn no_key_is_forgotten() {
    const OF_NO_DECISION: &[&str] = &["id", "secret", "secret_file", "listen"];
    let config = parsed(OLD);
    let compared: Vec<_> = config
        .deciders()
        .into_iter()
        .flat_map(|(_, keys)| keys)
        .collect();
    let tables = [
        Decisions::KEYS,
        CallerConfig::KEYS,
        Admittance::KEYS,
        TokenReviewConfig::KEYS,
    ];
    for Key { name, .. } in tables.into_iter().flatten() {
        let is_it = |key: &str| key == *name || key.strip_prefix("token_review.") == Some(name);
        let is_compared = compared.iter().any(|(key, _)| is_it(key));
        assert_ne!(is_compared, OF_NO_DECISION.contains(name), "{name}");
    }
}

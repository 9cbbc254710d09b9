//! What differs of `[session]`.

use crate::config::reader::table::Key;
use crate::config::tests::TempFile;
use crate::config::{Config, SessionConfig};

const OLD: &str = r#"
[[ghes]]
url = "https://ghes.example.com"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[[ghes.apps]]
client_id = "abcde12345fghij67890"
client_secret = "f7cc3eea3bf74008f4bb6cab73da95c015da4fe3"
[[routes]]
path = "/wiki"
hosts = ["wiki.example.com"]
upstream = "http://127.0.0.1:3000"
login = true
[session]
login_url = "https://login.example.com"
key_files = ["{key}"]
client_id = "abcde12345fghij67890"
"#;

fn parsed(toml: &str, key: &TempFile) -> Config {
    Config::parse(&toml.replace("{key}", key.path()), []).unwrap()
}

fn differences(from: &str, to: &str) -> Vec<String> {
    let key = TempFile::new("0123456789abcdef0123456789abcdef");
    assert!(OLD.contains(from), "{from}");
    let new = parsed(&OLD.replacen(from, to, 1), &key);
    new.differences(&parsed(OLD, &key))
}

#[test]
fn what_decides_about_a_cookie_is_a_difference() {
    let section = "[session]\n";
    for (from, to, key) in [
        ("login.example.com", "sso.example.com", "login_url"),
        (section, "[session]\nmax_age = \"1d\"\n", "max_age"),
        (section, "[session]\nprefix = \"/login\"\n", "prefix"),
    ] {
        assert_eq!(differences(from, to), [format!("session: {key}")], "{to}");
    }
    let other = "key_files = [\"{key}\"]\nclient_id = \"abcde12345fghij67890\"";
    let chosen = "key_files = [\"{key}\"]\nclient_id = \"Iv1.8a61f9b3a7aba766\"";
    assert_eq!(differences(other, chosen), ["session: client_id"]);
}

#[test]
fn what_decides_nothing_about_a_cookie_is_none() {
    for (from, to) in [
        ("[session]\n", "[session]\nscopes = [\"read:org\"]\n"),
        ("[session]\n", "[session]\nmax_age = \"168h\"\n"),
        ("[\"{key}\"]", "[\"{key}\", \"{key}\"]"),
    ] {
        assert_eq!(differences(from, to), [""; 0], "{to}");
    }
}

#[test]
fn a_login_comes_and_goes_with_its_route() {
    let key = TempFile::new("0123456789abcdef0123456789abcdef");
    let (with, without) = (
        parsed(OLD, &key),
        parsed(&OLD.replace("login = true\n", ""), &key),
    );
    assert_eq!(
        with.differences(&without),
        ["/wiki at wiki.example.com: login", "session: added"]
    );
    assert_eq!(
        without.differences(&with),
        ["/wiki at wiki.example.com: login", "session: removed"]
    );
}

/// A new key has to be compared, or to be named here.
#[test]
fn no_key_is_forgotten() {
    // Secrets, and what a login asks GHES for: what comes of it is in the tokens that are judged.
    const OF_NO_DECISION: &[&str] = &["key_files", "scopes"];
    let key = TempFile::new("0123456789abcdef0123456789abcdef");
    let compared = super::super::settings_of_session(parsed(OLD, &key).session.as_ref().unwrap());
    for Key { name, .. } in SessionConfig::KEYS {
        let is_compared = compared.iter().any(|(key, _)| key == name);
        assert_ne!(is_compared, OF_NO_DECISION.contains(name), "{name}");
    }
}

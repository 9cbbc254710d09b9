//! `[session]`, and the routes that ask for it.

use std::time::Duration;

use crate::config::Config;
use crate::config::tests::{GOOD, TempFile, errors};

const KEY: &str = "0123456789abcdef0123456789abcdef\n";

/// The shortest that works, with `{}` for the path of a key.
const SHORTEST: &str = "login = true\n[session]\nlogin_url = 'https://login.example.com'\n\
                        key_files = ['{}']\n";

fn with(session: &str, key: &TempFile) -> String {
    let text = session.replace("{}", key.path());
    let at = text.find("[session]").unwrap_or(text.len());
    let (route, session) = text.split_at(at);
    let scopes = "scopes = [\"read:org\"]\n";
    let routes = GOOD.replace(scopes, &format!("{scopes}{route}"));
    format!("{routes}\n{session}")
}

#[test]
fn a_login_needs_an_address_and_a_key() {
    let key = TempFile::new(KEY);
    let config = Config::parse(&with(SHORTEST, &key), []).unwrap();
    let session = config.session.as_ref().unwrap();
    assert_eq!(session.login_url.to_string(), "https://login.example.com");
    assert_eq!(session.client_id, "Iv1.8a61f9b3a7aba766");
    assert_eq!(session.max_age, Duration::from_secs(7 * 24 * 3600));
    assert_eq!(session.prefix.as_str(), "/oauth2");
    assert!(config.routes[0].login);
    let printed = config.to_redacted_toml();
    let shown = "key_files = [\"[redacted]\"]\n";
    assert!(
        printed.contains(shown) && !printed.contains(key.path()),
        "{printed}"
    );
    let days = format!("{SHORTEST}max_age = '2d 12h'\n");
    let config = Config::parse(&with(&days, &key), []).unwrap();
    let age = config.session.unwrap().max_age;
    assert_eq!(age, Duration::from_secs(60 * 3600));
}

#[test]
fn what_cannot_be_a_login_is_refused_with_its_cure() {
    let (key, short) = (TempFile::new(KEY), TempFile::new("0123456789abcdef"));
    let url = "login_url = 'https://login.example.com'\n";
    let refused = |session: &str, said: &str| {
        let text = errors(&with(session, &key), &[]);
        assert!(text.contains(said), "{session}\n{text}");
    };
    refused(
        "login = true\n",
        "login: has no effect without [session]; add it, or drop login",
    );
    for (from, to, said) in [
        (url, "", "login_url: missing; write login_url = "),
        (
            "https://login",
            "http://login",
            "login_url: must be https://",
        ),
        (".com", ".com/path", "login_url: has a path; leave it out"),
        (
            "key_files = ['{}']\n",
            "",
            "key_files: missing; write key_files = ",
        ),
        (
            "['{}']",
            "[]",
            "key_files: names no file; make one with openssl rand -base64 32",
        ),
        (
            "['{}']",
            "['/nowhere']",
            "key_files[0]: cannot read this file",
        ),
        (
            "[session]\n",
            "[session]\nmax_age = '0s'\n",
            "max_age: must be more than 0s and at most",
        ),
        (
            "[session]\n",
            "[session]\nmax_age = '91d'\n",
            "max_age: must be more than 0s and at most",
        ),
        (
            "[session]\n",
            "[session]\nprefix = '/'\n",
            "prefix: must have a name",
        ),
        (
            "[session]\n",
            "[session]\nprefix = 'oauth2'\n",
            "prefix: must start with a slash",
        ),
        (
            "[session]\n",
            "[session]\nclient_id = 'Iv1.other'\n",
            "client_id: is no app of the server",
        ),
        (
            "[session]\n",
            "[session]\nclient_id = '178c6fc778ccc68e1d6a'\n",
            "client_id: people cannot log in by the app of the gh command",
        ),
    ] {
        assert!(SHORTEST.contains(from), "{from}");
        refused(&SHORTEST.replace(from, to), said);
    }
    let text = errors(&with(SHORTEST, &short), &[]);
    assert!(
        text.contains("key_files[0]: has less than 32 characters; make another"),
        "{text}"
    );
    assert!(!text.contains("0123456789"), "{text}");
}

#[test]
fn a_route_takes_the_tokens_of_its_login() {
    let key = TempFile::new(KEY);
    let other = "[[ghes.apps]]\nclient_id = 'Iv1.other'\nclient_secret = 'other'\n[[routes]]";
    let toml = with(SHORTEST, &key).replacen("[[routes]]", other, 1);
    let chosen = toml.replace("[session]\n", "[session]\nclient_id = 'Iv1.other'\n");
    let text = errors(&toml, &[]);
    assert!(
        text.contains("client_id: missing; write client_id = "),
        "{text}"
    );
    assert!(Config::parse(&chosen, []).is_ok());
    let refusing = chosen.replace(
        "login = true",
        "login = true\napps = ['Iv1.8a61f9b3a7aba766']",
    );
    let text = errors(&refusing, &[]);
    let said = "session: routes[0] has login = true, and refuses tokens of Iv1.other; add it to";
    assert!(text.contains(said), "{text}");
}

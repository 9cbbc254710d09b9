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

#[test]
fn a_login_that_works_for_nobody_is_warned_of() {
    let key = TempFile::new(KEY);
    let host = "hosts = ['tool.example.com']\n";
    let scopes = "scopes = ['read:org', 'gist']\n";
    let warnings = |route: &str, session: &str| {
        let text = SHORTEST.replace("login = true\n", &format!("login = true\n{route}"));
        let toml = with(&format!("{text}{session}"), &key);
        // Of an OAuth app; the tokens of GitHub Apps have no scopes.
        let toml = toml.replace("Iv1.8a61f9b3a7aba766", "abcde12345fghij67890");
        Config::parse(&toml, []).unwrap().warnings()
    };
    assert_eq!(warnings(host, scopes), [""; 0]);
    let hostless = warnings("", scopes);
    let said = "routes[0].login: without hosts, people log in where login.example.com or hosts of other \
                routes with a login are asked for, and get 401 elsewhere; write hosts = \
                [\"login.example.com\"], or those by which browsers know the tool";
    assert_eq!(hostless, [said]);
    for (route, session, scope) in [
        ("", "", Some("read:org")),
        ("", "scopes = ['admin:org']\n", None),
        ("", "scopes = ['gist']\n", Some("read:org")),
        (
            "scopes_any = ['repo', 'gist']\n",
            "scopes = ['read:org']\n",
            Some("repo"),
        ),
        ("scopes_any = ['repo', 'gist']\n", scopes, None),
    ] {
        let said = warnings(&format!("{host}{route}"), session);
        let expected = scope.map(|scope| {
            format!(
                "session.scopes: routes[0] asks for {scope}, which the tokens of people who log in do \
                 not have, so that it can refuse them; add it"
            )
        });
        assert_eq!(said, Vec::from_iter(expected), "{route} {session}");
    }
}

#[test]
fn groups_are_asked_for_with_a_scope() {
    let key = TempFile::new(KEY);
    let login = "login = true\nhosts = ['tool.example.com']\n";
    for (people, scopes, count) in [
        ("orgs = ['octo-org']\n", "", 1),
        ("teams = ['octo-org/platform']\n", "", 1),
        (
            "teams = ['octo-org/platform']\n",
            "scopes = ['read:org']\n",
            0,
        ),
        ("users = ['octocat']\n", "", 0),
    ] {
        let text = SHORTEST.replace("login = true\n", &format!("{login}{people}"));
        let toml = with(&format!("{text}{scopes}"), &key);
        let toml = toml.replace("scopes = [\"read:org\"]\n", "");
        let said = |toml: &str| Config::parse(toml, []).unwrap().warnings().len();
        assert_eq!(said(&toml), 0, "tokens of GitHub Apps have none");
        let of_oauth_app = toml.replace("Iv1.8a61f9b3a7aba766", "abcde12345fghij67890");
        assert_eq!(said(&of_oauth_app), count, "{people} {scopes}");
    }
}

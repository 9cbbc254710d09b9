mod callers;

use super::*;
use crate::config::Config;

/// A configuration with these lines in `[server]`, `[decisions]` and its only route.
fn config(server: &str, decisions: &str, route: &str) -> String {
    format!(
        "[server]\n{server}\n[ghes]\nurl = 'https://ghes.example.com'\n[[ghes.apps]]\n\
         client_id = 'Iv1.8a61f9b3a7aba766'\nclient_secret = '3ef4ad510c59ad37bac6'\n\
         {decisions}\n[[routes]]\npath = '/'\n{route}\n"
    )
}

fn errors(server: &str, decisions: &str, route: &str) -> String {
    let read = Config::parse(&config(server, decisions, route), []);
    read.unwrap_err().to_string()
}

const ON: &str = "[decisions]\nlisten = '127.0.0.1:8081'";

#[test]
fn every_key_is_read_and_printed() {
    let decisions = "[decisions]\nlisten = ['127.0.0.1:8081', 'unix:/run/gate.sock']\n\
                     oauth2_auth = 'traefik'";
    let read = Config::parse(&config("", decisions, ""), []).unwrap();
    let door = read.decisions.as_ref().unwrap();
    assert_eq!(door.listen.len(), 2);
    assert_eq!(door.oauth2_auth, Some(Dialect::Traefik));
    let printed = read.to_redacted_toml();
    assert!(printed.contains("oauth2_auth = \"traefik\""), "{printed}");
    assert!(printed.contains("unix:/run/gate.sock"), "{printed}");
    assert!(!printed.contains("upstream ="), "{printed}");
    let without = Config::parse(&config("", "", "upstream = 'http://127.0.0.1:3000'"), []);
    assert!(without.unwrap().decisions.is_none());
}

#[test]
fn what_cannot_be_kept_is_refused_with_its_cure() {
    let upstream = "upstream = 'http://127.0.0.1:3000'";
    for (server, decisions, route, expected) in [
        ("", "", "", "routes[0].upstream: missing"),
        (
            "",
            "[decisions]",
            "",
            "decisions.listen: missing; write listen",
        ),
        (
            "",
            "[decisions]\nlisten = []",
            "",
            "decisions.listen: names no address",
        ),
        (
            "",
            "[decisions]\nlisten = 'gate:1'",
            "",
            "decisions.listen[0]: not an IP address",
        ),
        (
            "listen = '127.0.0.1:8081'",
            ON,
            upstream,
            "decisions: listens on 127.0.0.1:8081 of server.listen, too",
        ),
        (
            "",
            "[decisions]\nlisten = '127.0.0.1:8081'\noauth2_auth = 'envoy'",
            "",
            "decisions.oauth2_auth: envoy needs a path_prefix",
        ),
        (
            "",
            "[decisions]\nlisten = '127.0.0.1:8081'\noauth2_auth = 'apache'",
            "",
            "decisions.oauth2_auth: not a dialect; write one of nginx, traefik",
        ),
        (
            "",
            ON,
            "strip_prefix = true",
            "routes[0].strip_prefix: has no effect without upstream",
        ),
        (
            "",
            ON,
            "host = 'upstream'",
            "routes[0].host: has no effect without upstream",
        ),
        (
            "",
            ON,
            "timeouts = { idle = '1s' }",
            "routes[0].timeouts: has no effect",
        ),
        (
            "",
            "[assertion]\nissuer = 'https://gate.example.com'\nkey_files = ['/none']\n\
             [decisions]\nlisten = '127.0.0.1:8081'",
            "",
            "routes[0].audience: missing; without upstream",
        ),
    ] {
        let errors = errors(server, decisions, route);
        assert!(errors.contains(expected), "{expected} is not in:\n{errors}");
    }
}

#[test]
fn what_is_probably_not_meant_is_told() {
    let trusted = "trusted_proxies = ['127.0.0.1']";
    let old = "[decisions]\nlisten = '127.0.0.1:8081'\noauth2_auth = 'oauth2-proxy'";
    let cors = "[routes.cors]\nallow_origins = ['https://app.example.com']";
    for (server, decisions, route, expected) in [
        ("", ON, "", Some("server.trusted_proxies is empty")),
        (
            trusted,
            old,
            "methods = ['GET']",
            Some("routes[0] is for some methods"),
        ),
        (trusted, ON, cors, Some("answers no preflight")),
        (trusted, ON, "methods = ['GET']", None),
        (trusted, old, "", None),
    ] {
        let read = Config::parse(&config(server, decisions, route), []).unwrap();
        let warnings = read.warnings();
        match expected {
            Some(expected) => {
                assert_eq!(warnings.len(), 1, "{warnings:?}");
                assert!(warnings[0].contains(expected), "{warnings:?}");
            }
            None => assert!(warnings.is_empty(), "{warnings:?}"),
        }
    }
}

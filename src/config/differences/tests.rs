//! Which routes and callers could decide otherwise than before.

mod decisions;
mod session;

use crate::config::reader::table::Key;
use crate::config::{Admittance, Config, RouteConfig};

const OLD: &str = r#"[ghes]
url = "https://ghes.example.com"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[[ghes.apps]]
client_id = "abcde12345fghij67890"
client_secret = "f7cc3eea3bf74008f4bb6cab73da95c015da4fe3"
[[routes]]
path = "/wiki"
upstream = "http://127.0.0.1:3000"
users = ["octocat", "hubot"]
[[routes]]
path = "/api"
hosts = ["b.example.com", "a.example.com"]
methods = ["POST", "GET"]
upstream = "http://127.0.0.1:4000"
[[routes]]
path = "/open"
exact = true
upstream = "http://127.0.0.1:5000"
anonymous = true
"#;

const API: &str = "/api at a.example.com, b.example.com by GET, HEAD, POST";

fn differences(edits: &[(&str, &str)]) -> Vec<String> {
    let mut new = OLD.to_owned();
    for (from, to) in edits {
        assert!(new.contains(from), "{from}");
        new = new.replacen(from, to, 1);
    }
    let (new, old) = (Config::parse(&new, []), Config::parse(OLD, []));
    new.unwrap().differences(&old.unwrap())
}

#[test]
fn what_is_no_decision_is_no_difference() {
    let wiki = "[[routes]]\npath = \"/wiki\"\nupstream = \"http://127.0.0.1:3000\"\n\
                users = [\"octocat\", \"hubot\"]\n";
    for edits in [
        &[][..],
        &[("http://127.0.0.1:3000", "http://127.0.0.1:3001")],
        &[("3ef4ad510c59ad37bac6", "4ef4ad510c59ad37bac6")],
        &[("\"octocat\", \"hubot\"", "\"HUBOT\", \"Octocat\"")],
        &[("\"POST\", \"GET\"", "\"GET\", \"POST\"")],
        &[(
            "\"b.example.com\", \"a.example.com\"",
            "\"A.example.com\", \"b.example.com\"",
        )],
        &[(
            "[ghes]",
            "[server]\nrealm = \"tools\"\n[server.timeouts]\nhead = \"9s\"\n[ghes]",
        )],
        // The order of routes decides nothing.
        &[
            (wiki, ""),
            ("anonymous = true\n", &format!("anonymous = true\n{wiki}")),
        ],
        &[(
            "anonymous = true\n",
            "anonymous = true\n[cache]\nactive_capacity = 5\n",
        )],
    ] {
        assert_eq!(differences(edits), [""; 0], "{edits:?}");
    }
}

#[test]
fn each_key_that_decides_names_its_route() {
    let on_wiki = |line: &str| {
        let line = format!("users = [\"octocat\", \"hubot\"]\n{line}\n");
        differences(&[("users = [\"octocat\", \"hubot\"]\n", &line)])
    };
    for (line, key) in [
        ("scopes = [\"repo\"]", "scopes"),
        ("scopes_any = [\"repo\"]", "scopes_any"),
        ("user_ids = [1]", "user_ids"),
        ("site_admins = true", "site_admins"),
        ("orgs = [\"octo-org\"]", "orgs"),
        ("teams = [\"octo-org/platform\"]", "teams"),
        (
            "people = \"all\"\nsite_admins = true",
            "site_admins, people",
        ),
        ("account_types = [\"User\"]", "account_types"),
        ("max_age = \"1s\"", "max_age"),
        ("mode = \"observe\"", "mode"),
        ("basic = true", "basic"),
        ("websocket_protocol = true", "websocket_protocol"),
        ("ambiguous_paths = \"forward\"", "ambiguous_paths"),
        ("cors = \"upstream\"", "cors"),
        ("apps = [\"abcde12345fghij67890\"]", "apps"),
    ] {
        assert_eq!(on_wiki(line), [format!("/wiki: {key}")], "{line}");
    }
    let fewer = differences(&[("\"octocat\", \"hubot\"", "\"octocat\"")]);
    assert_eq!(fewer, ["/wiki: users"]);
}

/// The gate refuses a preflight, lets it pass without a token, or answers it.
#[test]
fn each_way_of_preflights_is_another() {
    let ways = [
        "",
        "cors = \"upstream\"\n",
        "[routes.cors]\nallow_origins = [\"https://app.example.com\"]\n",
    ];
    let users = "users = [\"octocat\", \"hubot\"]\n";
    let with = |way: &str| Config::parse(&OLD.replacen(users, &format!("{users}{way}"), 1), []);
    for new in ways {
        for old in ways {
            let differences = with(new).unwrap().differences(&with(old).unwrap());
            let expected: &[&str] = if new == old { &[] } else { &["/wiki: cors"] };
            assert_eq!(differences, expected, "{new} {old}");
        }
    }
}

/// A new key of a route has to be compared, or to be named here.
#[test]
fn no_key_of_a_route_is_forgotten() {
    const OF_NO_DECISION: &[&str] = &[
        "name",
        // What the route is for is how it is known here.
        "path",
        "exact",
        "hosts",
        "methods",
        // Where requests go, and what tools are told.
        "upstream",
        "host",
        "rewrite_redirects",
        "forward_token",
        "identity_headers",
        "strip_headers",
        "audience",
        "strip_prefix",
    ];
    let config = Config::parse(OLD, []).unwrap();
    let compared = config.settings_of(&config.routes[0]);
    let tables = [
        RouteConfig::KEYS,
        Admittance::KEYS,
        RouteConfig::FURTHER_KEYS,
    ];
    for Key { name, .. } in tables.into_iter().flatten() {
        let is_compared = compared.iter().any(|(key, _)| key == name);
        assert_ne!(is_compared, OF_NO_DECISION.contains(name), "{name}");
    }
}

#[test]
fn what_the_whole_gate_decides_by_names_all_whom_it_concerns() {
    let gated = |key: &str| vec![format!("/wiki: {key}"), format!("{API}: {key}")];
    let with = |section: &str| differences(&[("[ghes]", &format!("{section}\n[ghes]"))]);
    assert_eq!(
        with("[cache]\nactive_max_age = \"30s\""),
        gated("cache.active_max_age")
    );
    let bytes = with("[server.limits]\ntoken_bytes = 512");
    assert_eq!(bytes, gated("server.limits.token_bytes"));
    let moved = differences(&[("https://ghes.example.com", "https://other.example.com")]);
    assert_eq!(moved, gated("ghes"));
    let hosts = with("[server]\nallowed_hosts = [\"a.example.com\", \"b.example.com\"]");
    let key = "server.allowed_hosts";
    let all = [
        format!("/wiki: {key}"),
        format!("{API}: {key}"),
        format!("/open alone: {key}"),
    ];
    assert_eq!(hosts, all);
}

#[test]
fn a_route_for_other_requests_is_another_route() {
    for (from, to, lines) in [
        (
            "path = \"/wiki\"",
            "path = \"/wikis\"",
            ["/wikis: added", "/wiki: removed"],
        ),
        (
            "exact = true\n",
            "",
            ["/open: added", "/open alone: removed"],
        ),
        (
            "[\"POST\", \"GET\"]",
            "[\"POST\"]",
            [
                "/api at a.example.com, b.example.com by POST: added",
                &format!("{API}: removed"),
            ],
        ),
    ] {
        assert_eq!(differences(&[(from, to)]), lines, "{to}");
    }
    let opened = differences(&[("users = [\"octocat\", \"hubot\"]\n", "anonymous = true\n")]);
    assert_eq!(opened.len(), 1);
    assert!(
        opened[0].starts_with("/wiki: ghes, apps, users, anonymous"),
        "{opened:?}"
    );
}

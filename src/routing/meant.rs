//! A path that the author of a strict route means to cover never falls to a laxer route, however
//! patterns, paths and hosts are written: the request is covered or refused, or the configuration
//! is refused.

use http::Method;
use http::header::HeaderValue;
use proptest::prelude::*;

use super::RouteFinder;
use crate::config::Config;

/// How an author writes "this directory and all in it", in the style of other proxies, or in haste.
const DIALECTS: [fn(&str) -> String; 24] = [
    |path| path.to_owned(),
    |path| format!("{path}/"),
    |path| format!("{path}/*"),
    |path| format!("{path}/**"),
    |path| format!("{path}*"),
    |path| format!("{path}/.*"),
    |path| format!("{path}(/.*)?"),
    |path| format!("^{path}"),
    |path| format!("{path}$"),
    |path| format!("{path}/?"),
    |path| format!("{path}/{{id}}"),
    |path| format!("{path}/{{rest...}}"),
    |path| format!("{path}/:id"),
    |path| format!("{path}/<path:rest>"),
    |path| format!("(?i){path}"),
    |path| format!("~ {path}"),
    |path| path.replace("/a", "/[aA]"),
    |path| path.replace("/a", "/(a|b)"),
    |path| path.replace("/a", "/%61"),
    |path| path.replace("/a", "/A"),
    |path| path.to_uppercase(),
    |path| path.replace('/', "//"),
    |path| format!("/.{path}"),
    |path| path.trim_start_matches('/').to_owned(),
];

/// How a client writes it.
const SPELLINGS: [fn(&str) -> String; 16] = [
    |path| path.to_owned(),
    |path| path.replace("/a", "/A"),
    |path| path.to_uppercase(),
    |path| path.replace("/a", "/%61"),
    |path| path.replace("/a", "/%41"),
    |path| path.replace("/a", "/%2561"),
    |path| path.replace("/a", "/%ef%bd%81"),
    |path| path.replace('/', "//"),
    |path| path.replace("/a", "%2fa"),
    |path| path.replace("/a", "/./a"),
    |path| path.replace("/a", "/x/..%2Fa"),
    |path| path.replace("/a", "\\a"),
    |path| format!("{path}."),
    |path| format!("{path}%20"),
    |path| format!("{path};x=y"),
    |path| format!("{path}%c2%a0"),
];

/// Keys for the hosts of a route, and the requests that the author means by them.
const HOSTS: [(&str, &[&str]); 9] = [
    ("", &["tool.test", "other.test", "x.tool.test"]),
    (
        "hosts = ['tool.test']",
        &["tool.test", "TOOL.test:8443", "tool.test."],
    ),
    (
        "hosts = ['Tool.TEST.']",
        &["tool.test", "TOOL.test:8443", "tool.test."],
    ),
    ("hosts = ['*.tool.test']", &["x.tool.test"]),
    ("hosts = ['.tool.test']", &["x.tool.test", "tool.test"]),
    ("hosts = ['tool.*']", &["tool.test"]),
    ("hosts = ['_']", &["tool.test", "other.test"]),
    ("hosts = ['~^tool']", &["tool.test"]),
    ("hosts = ['{any}.test']", &["tool.test", "other.test"]),
];

const STRICT: [&str; 3] = [
    "users = ['root']",
    "orgs = ['octo-org']\nmax_age = '1s'",
    "scopes = ['repo']",
];

/// A route with fewer requirements, and its host.
const LAX: [(&str, &str); 7] = [
    ("/", ""),
    ("/", "exact = true\nanonymous = true"),
    ("/pub", "anonymous = true"),
    ("/x", "anonymous = true"),
    ("/admi", "anonymous = true"),
    ("/pub/admin/open", ""),
    ("/", "methods = ['GET']"),
];

const DIRECTORIES: [&str; 3] = ["/admin", "/pub/admin", "/api/admin"];

/// Paths in the directory that no route of their own leaves open.
const BELOW: [&str; 4] = ["", "/", "/x", "/x/1"];

fn table(path: &str, keys: &str) -> String {
    format!("[[routes]]\npath = '{path}'\nupstream = 'http://127.0.0.1:1'\n{keys}\n")
}

fn config(routes: &str) -> Option<Config> {
    let ghes =
        "[ghes]\nurl = 'https://ghes.test'\n[[ghes.apps]]\nclient_id = 'a'\nclient_secret = 'b'\n";
    Config::parse(&format!("{ghes}{routes}"), []).ok()
}

/// Where a request goes.
fn route(finder: &RouteFinder, host: &str, path: &str) -> Option<usize> {
    finder
        .find(
            Some(&HeaderValue::from_str(host).unwrap()),
            path,
            &Method::GET,
        )
        .ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_a_strict_route_is_meant_for_never_falls_to_a_laxer_one(
        lax in prop::sample::subsequence(LAX.to_vec(), 1..=5),
        dialect in prop::sample::select(DIALECTS.to_vec()),
        (keys, asked) in prop::sample::select(HOSTS.to_vec()),
        strict in prop::sample::select(STRICT.to_vec()),
        directory in prop::sample::select(DIRECTORIES.to_vec()),
        is_first in any::<bool>(),
    ) {
        let strict = table(&dialect(directory), &format!("{keys}\n{strict}"));
        let lax: String = lax.iter().map(|(path, keys)| table(path, keys)).collect();
        let routes = if is_first { format!("{strict}{lax}") } else { format!("{lax}{strict}") };
        let Some(config) = config(&routes) else {
            return Ok(());
        };
        let place = if is_first { 0 } else { config.routes.len() - 1 };
        let finder = RouteFinder::new(&config.routes);
        for spelling in SPELLINGS {
            for below in BELOW {
                let path = spelling(&format!("{directory}{below}"));
                for host in asked {
                    let found = route(&finder, host, &path);
                    prop_assert!(
                        found.is_none_or(|found| found == place),
                        "{host}{path} goes to routes[{found:?}] of\n{routes}"
                    );
                }
            }
        }
        // And the route is of some use.
        for host in asked {
            let written = config.routes[place].matches.path.as_str();
            prop_assert_eq!(route(&finder, host, &format!("{written}/x")), Some(place));
        }
        // Another host is another matter, and the author is warned of it.
        if !config.routes[place].matches.hosts.is_empty()
            && route(&finder, "nowhere.test", &format!("{directory}/x")).is_some()
        {
            let about = format!("routes[{place}].hosts: ");
            prop_assert!(config.warnings().iter().any(|line| line.starts_with(&about)), "{routes}");
        }
    }
}

/// Of the ways to write a route, only these are accepted.
#[test]
fn only_what_is_to_the_letter_is_taken() {
    let taken = |path: &str, keys: &str| config(&table(path, keys)).is_some();
    let dialects: Vec<String> = DIALECTS.iter().map(|dialect| dialect("/admin")).collect();
    let read: Vec<&String> = dialects.iter().filter(|path| taken(path, "")).collect();
    assert_eq!(read, ["/admin", "/admin/", "/%61dmin", "/Admin", "/ADMIN"]);
    let hosts = HOSTS.iter().filter(|(keys, _)| taken("/", keys));
    assert_eq!(hosts.count(), 3);
}

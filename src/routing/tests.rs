use allocation_counter::measure;
use proptest::prelude::*;

use super::*;
use crate::config::Config;

/// The result for a request: the index of its route, or why it has none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    Route(usize),
    Ambiguous,
    Nothing,
    OtherMethods,
}

use Found::{Ambiguous, Nothing, OtherMethods, Route};

fn finder(routes: &[(&str, &str)]) -> RouteFinder {
    let routes = routes.iter().map(|(path, more)| {
        format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://127.0.0.1:1\"\n{more}\n")
    });
    let toml = format!(
        "[ghes]\nurl = \"https://ghes.test\"\n[[ghes.apps]]\nclient_id = \"a\"\nclient_secret = \"b\"\n{}",
        routes.collect::<String>()
    );
    let config = Config::parse(&toml, []).unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    RouteFinder::new(&config.routes)
}

fn find(finder: &RouteFinder, method: &Method, host: &str, path: &str) -> Found {
    let host = HeaderValue::from_str(host).unwrap();
    match finder.find(Some(&host), path, method) {
        Ok(route) => Route(route),
        Err(Miss::MethodNotAllowed(_)) => OtherMethods,
        Err(miss) => match miss.rejection().detail() {
            Some(RejectionDetail::AmbiguousPath) => Ambiguous,
            detail => {
                assert_eq!(detail, None);
                Nothing
            }
        },
    }
}

fn assert_found(routes: &[(&str, &str)], expected: &[(&str, Found)]) {
    let finder = finder(routes);
    for (path, found) in expected {
        assert_eq!(
            find(&finder, &Method::GET, "a.test", path),
            *found,
            "{path}"
        );
    }
}

const OPEN: &str = "anonymous = true";

#[test]
fn where_no_path_decides_none_is_read() {
    let finder = finder(&[
        ("/", ""),
        ("/", "hosts = [\"a.test\"]"),
        ("/", "methods = [\"PUT\"]"),
    ]);
    for path in ["/a/../b", "//a", "/%2e", "/;", "/%zz", "/%00", "/%ff"] {
        for (host, method, route) in [
            ("b.test", Method::GET, 0),
            ("a.test", Method::PUT, 1),
            ("b.test", Method::PUT, 2),
        ] {
            assert_eq!(find(&finder, &method, host, path), Route(route), "{path}");
        }
    }
}

/// Paths of package registries, GitLab, `RabbitMQ`, servlets and people's files.
#[test]
fn a_path_whose_readings_lead_to_one_route_passes() {
    let beside = [("/", ""), ("/healthz", "exact = true\nanonymous = true")];
    let below = [
        ("/npm", ""),
        ("/api", ""),
        ("/app", ""),
        ("/files", ""),
        ("/healthz", OPEN),
    ];
    for path in [
        "/npm/@scope%2fname",
        "/npm/@scope%2Fname/-/name-1.0.0.tgz",
        "/api/v4/projects/a%2Fb",
        "/api/queues/%2F/q",
        "/api/queues/%2f",
        "/app/login;jsessionid=0A1B2C",
        "/app/x;v=1/a;b=c/d",
        "/files/100%25",
        "/files/a%2520b",
        "/files/c%23",
        "/files/why%3F",
        "/files//a",
        "/files/a.",
        "/files/a%20/b",
        "/files/a%5Cb",
        "/files/./a",
        "/files/x/../y",
        "/files/caf%C3%A9%ef%bc%8f",
    ] {
        assert_found(&beside, &[(path, Route(0))]);
        let top = below.iter().position(|(top, _)| path.starts_with(top));
        assert_found(&below, &[(path, top.map_or(Nothing, Route))]);
    }
}

#[test]
fn a_path_whose_readings_part_is_ambiguous() {
    let routes = [
        ("/", ""),
        ("/public", OPEN),
        ("/public/but/not", ""),
        ("/healthz", "exact = true\nanonymous = true"),
    ];
    for path in [
        "/public/../admin",
        "/public%2fadmin",
        "/public/..%2fadmin",
        "/public/..%252fadmin",
        "/public;/admin",
        "/public;a=b",
        "/public%3Ba",
        "/public\\..\\admin",
        "//public/admin",
        "//evil/public",
        "/x//../public",
        "/public/but%2Fnot",
        "/public/but//not",
        "/public/but/./not",
        "/public/but;/not",
        "/public/but/not.",
        "/public/but/not%20",
        "/public/but/not%c2%a0",
        "/public/but%ef%bc%8fnot",
        "/public/%62ut%2fnot",
        "/public/%2562ut/not",
        "/public/but/not%00",
        "//healthz",
        "/healthz.",
        "/healthz;a",
        "/healthz%3f",
        "/./healthz",
        "/x/../healthz",
    ] {
        assert_found(&routes, &[(path, Ambiguous)]);
    }
}

#[test]
fn an_exact_root_is_the_root_alone() {
    assert_found(
        &[("/", "exact = true\nanonymous = true"), ("/", "")],
        &[
            ("/", Route(0)),
            ("/a", Route(1)),
            ("/%2e", Ambiguous),
            ("//", Ambiguous),
            ("/;a", Ambiguous),
            ("/a%2Fb", Route(1)),
        ],
    );
}

#[test]
fn readings_are_held_against_hosts_and_methods_too() {
    let finder = finder(&[
        ("/", "methods = [\"PUT\"]"),
        ("/a", "methods = [\"GET\"]"),
        ("/a", "hosts = [\"b.test\"]"),
    ]);
    for (method, host, path, found) in [
        (Method::GET, "a.test", "/a%2fb", Ambiguous),
        (Method::GET, "a.test", "/a/%2fb", Route(1)),
        (Method::PUT, "a.test", "/a/%2fb", OtherMethods),
        (Method::PUT, "a.test", "/x%2fb", Route(0)),
        (Method::GET, "a.test", "/x%2fb", OtherMethods),
        (Method::PUT, "b.test", "/a/%2fb", Route(2)),
        (Method::PUT, "b.test", "/a/..%2fb", Ambiguous),
        (Method::PUT, "c.test", "/a/..%2fb", Ambiguous),
    ] {
        assert_eq!(
            find(&finder, &method, host, path),
            found,
            "{method} {host}{path}"
        );
    }
}

#[test]
fn what_no_server_reads_for_certain_passes_only_where_the_route_says_so() {
    let forward = [
        ("/", ""),
        ("/files", "ambiguous_paths = \"forward\""),
        ("/files/but/not", ""),
    ];
    let refuse = [("/", ""), ("/files", ""), ("/files/but/not", "")];
    for path in [
        "/files/caf%E9",
        "/files/100%",
        "/files/%zz",
        "/files/a%00b",
        "/files/%u00e9",
        "/files/a%25%ff",
    ] {
        assert_found(&forward, &[(path, Route(1))]);
        assert_found(&refuse, &[(path, Ambiguous)]);
    }
    let many = "/files/".to_owned() + &"%2e%2e;a.%252f".repeat(60);
    for path in [
        "/caf%E9",
        "/files/..%c0%af%ff",
        "/files/%c0%ae%c0%ae/%ff",
        "/files/%u002e%u002e/x",
        "/files/but%u002fnot",
        "/files/but/not%00",
        "/files/but%c0%afnot",
        "/files/but/%zz%2f..%2fnot",
        &many,
    ] {
        assert_found(&forward, &[(path, Ambiguous)]);
    }
}

/// The tool sees the rest, so its readings count as well.
#[test]
fn what_is_cut_off_is_the_same_in_each_reading() {
    let cut = "strip_prefix = true";
    assert_found(
        &[("/tool", cut), ("/tool/admin", cut)],
        &[
            ("/tool/a%2Fb", Route(0)),
            ("/tool/x//y;z", Route(0)),
            ("/%74ool/a.", Route(0)),
            ("/tool/admin/a%2Fb", Route(1)),
            ("/tool//x", Ambiguous),
            ("/tool/%2Fx", Ambiguous),
            ("/tool/%5cx", Ambiguous),
            ("/tool/\\x", Ambiguous),
            ("/tool/;a/x", Ambiguous),
            ("/tool//x/admin", Ambiguous),
            ("/tool/x/../admin", Ambiguous),
            ("/tool/x/..%2fy", Route(0)),
            ("/tool/../tool/x", Ambiguous),
            ("/tool/x/../../admin", Ambiguous),
            ("/tool/x/../../tool/admin", Ambiguous),
            ("/x/../tool/y", Ambiguous),
            ("/tool%2Fx", Ambiguous),
            ("/tool;x/y", Ambiguous),
        ],
    );
}

#[test]
fn a_spelling_that_passes_by_a_stricter_route_is_ambiguous() {
    let routes = [
        ("/", "users = [\"root\"]"),
        ("/pub", OPEN),
        ("/pub/admin", ""),
        ("/pub/Team", "scopes = [\"repo\"]"),
    ];
    assert_found(
        &routes,
        &[
            ("/pub/admin", Route(2)),
            ("/pub/admin/X", Route(2)),
            ("/pub/Other", Route(1)),
            ("/pub/Team", Route(3)),
            ("/pub/Admin", Ambiguous),
            ("/pub/ADMIN/x", Ambiguous),
            ("/pub/%41dmin", Ambiguous),
            ("/pub/Admin/a%2fb", Ambiguous),
            ("/pub/team", Ambiguous),
            ("/pub/administrator", Route(1)),
            // This route needs more than that one.
            ("/PUB", Route(0)),
            ("/Pub/x", Route(0)),
            // NFKC, and then case: the Kelvin sign, a long s, full width, and blanks.
            ("/pub/%EF%BC%A1dmin", Ambiguous),
            ("/pub/admin%C2%A0", Ambiguous),
            ("/pub/admin%E3%80%80", Ambiguous),
            ("/pub/%EF%BD%81dmin", Ambiguous),
            ("/pub%EF%BC%8Fadmin", Ambiguous),
            ("/pub/adm%C4%B1n", Route(1)),
        ],
    );
    // All have the same rules, or stricter ones.
    assert_found(&[("/", ""), ("/admin", "")], &[("/Admin", Route(0))]);
    assert_found(
        &[("/", "scopes = [\"repo\"]"), ("/admin", "")],
        &[("/Admin", Route(0))],
    );
    assert_found(
        &[("/", ""), ("/admin", "users = [\"root\"]")],
        &[("/Admin", Ambiguous)],
    );
    assert_found(
        &[("/", ""), ("/caf%C3%A9", "users = [\"root\"]")],
        &[
            ("/CAF%C3%89", Ambiguous),
            ("/cafe%CC%81/x", Ambiguous),
            ("/caf%C3%A9", Route(1)),
        ],
    );
    // Other hosts are other servers; an exact path is that path alone.
    let routes = [
        ("/", ""),
        ("/admin", "users = [\"root\"]\nhosts = [\"b.test\"]"),
        ("/x", "exact = true\nscopes = [\"repo\"]"),
    ];
    assert_found(
        &routes,
        &[
            ("/Admin", Route(0)),
            ("/X", Ambiguous),
            ("/X/", Ambiguous),
            ("/X/y", Route(0)),
        ],
    );
    assert_eq!(
        find(&finder(&routes), &Method::GET, "B.test:80", "/Admin"),
        Ambiguous
    );
}

#[test]
fn to_find_a_route_allocates_nothing() {
    let finder = finder(&[
        ("/", ""),
        (
            "/a/b",
            "hosts = [\"tools.example.com\"]\nmethods = [\"GET\"]",
        ),
        ("/npm", ""),
        ("/pub", OPEN),
        ("/pub/Admin", "users = [\"root\"]"),
    ]);
    for (host, path, found) in [
        ("tools.example.com:8443", "/a/b/c/d", Some(1)),
        ("other.example.com", "/x/y/z", Some(0)),
        (
            "other.example.com",
            "/npm/@scope/name,v=1:x!$&'()*+",
            Some(2),
        ),
        ("other.example.com", "/pub/Other/Page", Some(3)),
        ("other.example.com", "/pub/Admin/x", Some(4)),
    ] {
        let host = HeaderValue::from_static(host);
        let mut answer = None;
        let info = measure(|| answer = Some(finder.find(Some(&host), path, &Method::GET).ok()));
        assert_eq!(info.count_total, 0, "{path}");
        assert_eq!(answer.unwrap(), found, "{path}");
    }
}

/// Known behaviour of servers, written independently of the gate's code: each takes one path and
/// looks up another.
mod servers {
    fn decode(path: &str) -> String {
        percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .into_owned()
    }

    fn segments(path: &str) -> Vec<String> {
        path.split('/').skip(1).map(str::to_owned).collect()
    }

    fn normal(segments: Vec<String>) -> String {
        let mut kept: Vec<String> = Vec::new();
        for segment in segments {
            match &*segment {
                "." | "" => {}
                ".." => drop(kept.pop()),
                _ => kept.push(segment),
            }
        }
        format!("/{}", kept.join("/"))
    }

    /// nginx: decodes, merges slashes, resolves dots.
    fn nginx(path: &str) -> String {
        normal(segments(&decode(path)))
    }

    /// Werkzeug, Django: `PATH_INFO` decoded once and compared as it is.
    fn wsgi(path: &str) -> String {
        decode(path)
    }

    /// Go's `ServeMux`: cleans before it decodes, segment by segment.
    fn go(path: &str) -> String {
        let clean = normal(segments(path));
        let decoded: Vec<String> = segments(&clean).iter().map(|s| decode(s)).collect();
        format!("/{}", decoded.join("/"))
    }

    /// Tomcat: parameters off, then decoded, backslashes turned, dots resolved.
    fn tomcat(path: &str) -> String {
        let bare = segments(path);
        let bare = bare
            .iter()
            .map(|s| s.split(';').next().unwrap_or("").to_owned());
        let bare = format!("/{}", bare.collect::<Vec<_>>().join("/"));
        normal(segments(&decode(&bare).replace('\\', "/")))
    }

    /// A proxy that decodes before a server that decodes.
    fn twice(path: &str) -> String {
        nginx(&decode(path))
    }

    /// IIS over NTFS: backslashes, dots and blanks at the end of names, no case.
    fn windows(path: &str) -> String {
        let path = decode(path).replace('\\', "/");
        let path = normal(segments(&path));
        let names = segments(&path);
        let names = names
            .iter()
            .map(|s| s.trim_end_matches(['.', ' ']).to_owned());
        normal(names.collect())
    }

    pub(super) const ALL: [fn(&str) -> String; 6] = [nginx, wsgi, go, tomcat, twice, windows];
}

fn any_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "pub",
        "admin",
        "Admin",
        "x",
        "/",
        "/",
        "/",
        "/",
        "//",
        "..",
        ".",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        ";v=1",
        "%3b",
        "%2e",
        "%252e",
        "%252f",
        "%25",
        "%20",
        "%61",
        "%3f",
        "%23",
        "%c2%a0",
        "%ef%bc%8f",
    ]);
    let pieces = prop::collection::vec(piece, 1..9);
    pieces.prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn any_routes() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let routes = vec![
        ("/", ""),
        ("/a", "strip_prefix = true"),
        ("/a/b", ""),
        ("/pub", "anonymous = true"),
        ("/pub/admin", "users = [\"root\"]"),
        ("/admin", "scopes = [\"repo\"]"),
        ("/x", "exact = true\nanonymous = true"),
        ("/a/admin", "strip_prefix = true\nusers = [\"root\"]"),
    ];
    prop::sample::subsequence(routes, 1..=8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The main property: a request that passes leads every server to the same route.
    #[test]
    fn whatever_passes_leads_every_server_to_one_route(routes in any_routes(), path in any_path()) {
        prop_assume!(routes.iter().any(|(path, _)| *path != "/"));
        let finder = finder(&routes);
        if let Route(route) = find(&finder, &Method::GET, "a.test", &path) {
            for server in servers::ALL {
                let seen = server(&path);
                let there = finder.table.find(Some(&HeaderValue::from_static("a.test")), &seen, &Method::GET);
                prop_assert_eq!(there.ok(), Some(route), "{} is {}", path, seen);
                // The same for the rest, where a prefix is removed.
                if let Some(prefix) = &finder.handling[route].prefix {
                    let seen = format!("{prefix}{}", server(rest_of(&path, prefix)));
                    let there = finder.table.find(Some(&HeaderValue::from_static("a.test")), &seen, &Method::GET);
                    prop_assert_eq!(there.ok(), Some(route), "{} is {}", path, seen);
                }
            }
        }
    }
}

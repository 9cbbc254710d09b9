use allocation_counter::measure;
use proptest::prelude::*;

use super::*;

/// The rules of [`RouteMatch`], one after the other, for every route.
fn by_the_rules(routes: &[RouteMatch], host: &str, path: &str, method: &Method) -> Found {
    let is_for_host =
        |r: &RouteMatch| r.hosts.is_empty() || r.hosts.iter().any(|name| name.matches(host));
    let is_for_path = |r: &RouteMatch| {
        let alone = path
            .strip_suffix('/')
            .filter(|p| !p.is_empty())
            .unwrap_or(path);
        if r.exact {
            alone == r.path.as_str() && (alone != "/" || path == "/")
        } else {
            r.path.matches(path)
        }
    };
    let matching = routes.iter().filter(|r| is_for_host(r) && is_for_path(r));
    let rank = |r: &&RouteMatch| (!r.hosts.is_empty(), r.exact, r.path.as_str().len());
    let Some(best) = matching.clone().map(|r| rank(&r)).max() else {
        return Found::Nothing;
    };
    let equals: Vec<&RouteMatch> = matching.filter(|r| rank(r) == best).collect();
    let with_method = equals.iter().find(|r| r.methods.contains(method));
    let without = || equals.iter().find(|r| r.methods.is_empty());
    match with_method.or_else(without) {
        Some(route) => Found::Route((*route).clone()),
        None => Found::OtherMethods,
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Found {
    Nothing,
    OtherMethods,
    Route(RouteMatch),
}

fn by_the_table(routes: &[RouteMatch], host: &str, path: &str, method: &Method) -> Found {
    let table = RouteTable::new(routes);
    let host = HeaderValue::from_str(host).unwrap();
    match table.find(Some(&host), path, method) {
        Ok(route) => Found::Route(routes[route].clone()),
        Err(Miss::MethodNotAllowed(allow)) => {
            assert!(!allow.is_empty());
            assert!(
                !allow
                    .to_str()
                    .unwrap()
                    .split(", ")
                    .any(|name| name == method.as_str())
            );
            Found::OtherMethods
        }
        Err(Miss::Rejected(rejection)) => match rejection.kind() {
            RejectionKind::NoRoute => Found::Nothing,
            kind => panic!("{kind:?}"),
        },
    }
}

/// Routes without those that a configuration would refuse beside the others.
fn without_rivals(routes: Vec<RouteMatch>) -> Vec<RouteMatch> {
    let mut kept: Vec<RouteMatch> = Vec::new();
    for route in routes {
        if !kept.iter().any(|other| other.is_rival_of(&route)) {
            kept.push(route);
        }
    }
    kept
}

fn route(path: &str, exact: bool, hosts: &[&str], methods: &[Method]) -> RouteMatch {
    RouteMatch {
        path: path.parse().unwrap(),
        exact,
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        methods: methods.to_vec(),
    }
}

fn any_route() -> impl Strategy<Value = RouteMatch> {
    let path = prop_oneof![
        1 => Just("/".to_owned()),
        3 => prop::collection::vec(segment(), 1..4).prop_map(|s| format!("/{}", s.join("/"))),
    ];
    let hosts = prop::sample::subsequence(vec!["a.test", "b.test", "[::1]"], 0..3);
    let methods = prop::sample::subsequence(vec![Method::GET, Method::POST, Method::PUT], 0..3);
    (path, prop::bool::weighted(0.3), hosts, methods)
        .prop_map(|(path, exact, hosts, methods)| route(&path, exact, &hosts, &methods))
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "ab", "b", "A"])
}

fn host() -> impl Strategy<Value = &'static str> {
    let hosts = [
        "a.test",
        "A.Test:81",
        "b.test.",
        "c.test",
        "[0:0::1]:80",
        "[::2]",
    ];
    prop::sample::select(hosts.to_vec())
}

fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => segment(), 1 => Just("%2F"), 1 => Just(".."), 1 => Just("a;b")];
    let end = prop::sample::select(vec!["", "/", "//"]);
    (prop::collection::vec(piece, 0..5), end).prop_map(|(s, end)| {
        let path = s
            .iter()
            .map(|segment| format!("/{segment}"))
            .collect::<String>()
            + end;
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_table_keeps_the_rules(
        routes in prop::collection::vec(any_route(), 1..10),
        requests in prop::collection::vec((host(), path(), method()), 16),
    ) {
        let mut routes = without_rivals(routes);
        // With it, every path counts.
        routes.push(route("/never", false, &[], &[]));
        for (host, path, method) in requests {
            prop_assert_eq!(
                by_the_table(&routes, host, &path, &method),
                by_the_rules(&routes, host, &path, &method),
                "{} {}{}", method, host, path
            );
        }
    }

    #[test]
    fn the_order_in_the_file_decides_nothing(
        routes in prop::collection::vec(any_route(), 1..10),
        host in host(),
        path in path(),
        method in method(),
    ) {
        let forth = without_rivals(routes);
        let back: Vec<RouteMatch> = forth.iter().rev().cloned().collect();
        prop_assert_eq!(
            by_the_table(&forth, host, &path, &method),
            by_the_table(&back, host, &path, &method)
        );
    }
}

#[test]
fn hosts_are_found_among_one_and_among_five_hundred() {
    for count in [1, 500] {
        let hosts: Vec<String> = (0..count).map(|n| format!("Tool{n}.Example.com")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let routes = [route("/", false, &hosts, &[]), route("/x", false, &[], &[])];
        for asked in [
            "tool0.example.com",
            "TOOL0.EXAMPLE.COM",
            "tool0.example.com.",
            "Tool0.example.com.:8443",
        ] {
            let found = by_the_table(&routes, asked, "/x", &Method::GET);
            assert_eq!(found, Found::Route(routes[0].clone()), "{asked} of {count}");
        }
        let found = by_the_table(&routes, "tool500.example.com", "/y", &Method::GET);
        assert_eq!(found, Found::Nothing);
    }
}

#[test]
fn to_find_a_route_allocates_nothing() {
    let routes = [
        route("/", false, &[], &[]),
        route("/a/b", false, &["tools.example.com"], &[Method::GET]),
        route("/a", true, &["tools.example.com"], &[]),
    ];
    let table = RouteTable::new(&routes);
    for (host, path, found) in [
        ("tools.example.com:8443", "/a/b/c/d?q", Some(1)),
        ("tools.example.com.", "/a/", Some(2)),
        ("other.example.com", "/x/y/z", Some(0)),
        ("tools.example.com", "/a%2F..", Some(0)),
    ] {
        let host = HeaderValue::from_static(host);
        let path = path.split('?').next().unwrap();
        let mut answer = None;
        let info = measure(|| answer = Some(table.find(Some(&host), path, &Method::GET)));
        assert_eq!(info.count_total, 0, "{path}");
        assert_eq!(answer.unwrap().ok(), found, "{path}");
    }
}

use super::*;

fn load(environment: &[(&str, &str)]) -> Config {
    Config::load(None, variables(environment)).unwrap()
}

const WHOLE: &[(&str, &str)] = &[
    ("GHES__URL", "https://ghes.example.com"),
    ("GHES__APPS__0__CLIENT_ID", "Iv1.8a61f9b3a7aba766"),
    ("GHES__APPS__0__CLIENT_SECRET", "1234567890"),
    ("ROUTES__0__PATH", "/"),
    ("ROUTES__0__UPSTREAM", "http://127.0.0.1:3000"),
];

fn whole_and(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [WHOLE, more].concat()
}

#[test]
fn the_environment_is_enough() {
    let config = load(WHOLE);
    assert_eq!(config.server.listen, [DEFAULT_LISTEN.into()]);
    assert_eq!(config.routes.len(), 1);
}

#[test]
fn a_secret_of_digits_stays_a_string() {
    for secret in [
        "1234567890",
        "1e5",
        "true",
        "[1]",
        "\"quoted\"too",
        "2022-11-28",
    ] {
        let config = load(&whole_and(&[("GHES__APPS__0__CLIENT_SECRET", secret)]));
        assert_eq!(config.ghes[0].apps[0].client_secret.expose_secret(), secret);
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let environment = variables(&[
        ("CACHE__ACTIVE_MAX_AGE", "5s"),
        ("CACHE__ACTIVE_CAPACITY", "7"),
        ("ROUTES__0__FORWARD_TOKEN", "true"),
        ("ROUTES__0__SCOPES", "[\"gist\", \"repo\"]"),
        ("SERVER__LISTEN", "[::1]:80"),
    ]);
    let config = Config::parse(GOOD, environment).unwrap();
    assert_eq!(config.cache.active_max_age, Duration::from_secs(5));
    assert_eq!(config.cache.active_capacity, 7);
    assert!(config.routes[0].forward_token);
    assert_eq!(config.routes[0].scopes.join(" "), "gist repo");
    assert_eq!(config.server.listen, ["[::1]:80".parse().unwrap()]);
}

#[test]
fn a_mistake_in_the_file_is_none_where_the_environment_wins() {
    let toml = edited("active_max_age = \"60s\"", "active_max_age = 60");
    assert!(Config::parse(&toml, variables(&[("CACHE__ACTIVE_MAX_AGE", "5s")])).is_ok());
    let toml = edited("[\"127.0.0.1:8080\"]", "\"here\"");
    let config = Config::parse(&toml, variables(&[("SERVER__LISTEN__0", "[::1]:80")])).unwrap();
    assert_eq!(config.server.listen, ["[::1]:80".parse().unwrap()]);
}

#[test]
fn items_are_set_and_added_by_index() {
    let environment: Vec<_> = (1..12)
        .flat_map(|index| {
            let upstream = (format!("ROUTES__{index}__UPSTREAM"), "http://b".to_owned());
            [
                (format!("ROUTES__{index}__PATH"), format!("/{index}")),
                upstream,
            ]
        })
        .map(|(name, text)| (format!("{PREFIX}{name}"), text))
        .chain(variables(&[("ROUTES__0__SCOPES__1", "gist")]))
        .collect();
    let config = Config::parse(GOOD, environment).unwrap();
    assert_eq!(config.routes.len(), 12);
    assert_eq!(config.routes[10].matches.path.as_str(), "/10");
    assert_eq!(config.routes[0].scopes.join(" "), "gist read:org");
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    for (name, text, error) in [
        (
            "SERVER__LISTEN",
            "8080",
            "server.listen: expected a string or an array of strings, found an integer",
        ),
        (
            "SERVER__LISTEN",
            "[\"1.2.3.4\"]",
            "server.listen[0]: not an IP address with a port; write it like 127.0.0.1:8080 \
             or unix:/run/ghes-gatekeeper/gate.sock",
        ),
        (
            "GHES__ALLOW_INSECURE_HTTP",
            "yes",
            "ghes.allow_insecure_http: expected true or false, found a string",
        ),
        (
            "CACHE__ACTIVE_MAX_AGE",
            "60",
            "cache.active_max_age: not a duration; \
             a duration is a string with units, like \"60s\" or \"1m 30s\"",
        ),
        (
            "CACHE__ACTIVE_MAXAGE",
            "1s",
            "cache.active_maxage: unknown key; did you mean active_max_age?",
        ),
        ("FOO__BAR__0", "1", "foo.bar[0]: unknown key"),
        (
            "LISTEN",
            "127.0.0.1:1",
            "listen: unknown key here; it belongs to [server]",
        ),
        ("", "1", "\"\": unknown key"),
        ("0", "1", "0: unknown key"),
        ("GHES", "{}", "ghes: expected a table, found a string"),
        (
            "ROUTES__FOO",
            "1",
            "routes: expected an array, found a table",
        ),
        (
            "ROUTES__00__PATH",
            "/",
            "routes: expected an array, found a table",
        ),
        (
            "ROUTES__5__PATH",
            "/",
            "routes[5]: items are numbered without gaps; the next is 1",
        ),
        ("server__listen", "127.0.0.1:1", "write it in capitals"),
    ] {
        assert_eq!(
            errors(GOOD, &[(name, text)]),
            format!("{PREFIX}{name}: {error}")
        );
    }
}

#[test]
fn variables_that_contradict_each_other_are_refused() {
    let twice = [
        ("SERVER__LISTEN", "127.0.0.1:1"),
        ("SERVER__LISTEN__0", "127.0.0.1:2"),
    ];
    assert_eq!(
        errors(GOOD, &twice),
        "GHES_GATEKEEPER_SERVER__LISTEN__0: server.listen[0]: \
         contradicts GHES_GATEKEEPER_SERVER__LISTEN; keep one of them"
    );
    let mixed = [("ROUTES__1__PATH", "/b"), ("ROUTES__B__PATH", "/b")];
    let toml = GOOD.split("[[routes]]").next().unwrap();
    assert!(
        errors(toml, &mixed).contains("GHES_GATEKEEPER_ROUTES__B__PATH: routes.b: contradicts")
    );
}

#[test]
fn every_unknown_variable_is_named() {
    let text = errors(
        GOOD,
        &[
            ("FOO__BAR", "1"),
            ("FOO__BAZ", "2"),
            ("ROUTES__0__GROUPS__0", "x"),
        ],
    );
    for name in [
        "FOO__BAR: foo.bar",
        "FOO__BAZ: foo.baz",
        "ROUTES__0__GROUPS__0: routes[0].groups[0]",
    ] {
        assert!(
            text.contains(&format!("{PREFIX}{name}: unknown key")),
            "{text}"
        );
    }
}

#[test]
fn a_missing_key_is_not_blamed_on_the_variable_beside_it() {
    let environment = variables(&[("GHES__APPS__0__CLIENT_ID", "Iv1.8a61f9b3a7aba766")]);
    let text = Config::load(None, environment).unwrap_err().to_string();
    assert!(text.starts_with("ghes.url: missing;"), "{text}");
    assert!(
        text.contains("\nghes.apps[0].client_secret_file: missing;"),
        "{text}"
    );
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let foreign = [
        "PATH",
        "GHES_URL",
        "GHES_GATEKEEPER",
        "MY_GHES_GATEKEEPER_X",
    ];
    let foreign = foreign.map(|name| (name.to_owned(), "?".to_owned()));
    assert!(Config::parse(GOOD, foreign).is_ok());
}

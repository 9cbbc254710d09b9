use super::*;
use crate::config::tests::refused::assert_refused;

fn with_upstream(upstream: &str) -> String {
    GOOD.replacen("upstream = \"http://127.0.0.1:3000\"", upstream, 1)
}

fn refusal(upstream: &str) -> String {
    errors(&with_upstream(upstream), &[])
}

fn identity(name: &str) -> (TempFile, TempFile) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    (TempFile::new(&made.cert.pem()), TempFile::new(&key))
}

#[test]
fn several_upstreams_are_an_array_or_numbered_variables() {
    let toml = with_upstream("upstream = [\"http://a\", \"unix:/b\"]");
    let config = Config::parse(&toml, []).unwrap();
    let shown = |config: &Config| -> Vec<String> {
        let upstreams = config.routes[0].upstreams.iter();
        upstreams.map(ToString::to_string).collect()
    };
    assert_eq!(shown(&config), ["http://a", "unix:/b"]);
    let printed = config.to_redacted_toml();
    assert!(printed.contains("upstream = [\"http://a\", \"unix:/b\"]\n"));

    let variables = variables(&[
        ("ROUTES__0__UPSTREAM__0", "https://a"),
        ("ROUTES__0__UPSTREAM__1", "h2c://b"),
    ]);
    let config = Config::parse(&with_upstream(""), variables).unwrap();
    assert_eq!(shown(&config), ["https://a", "h2c://b"]);
}

#[test]
fn each_address_is_there_once() {
    for (upstream, expected) in [
        (
            "upstream = []",
            "18: routes[0].upstream: names no address; write [\"http://127.0.0.1:3000\"]",
        ),
        (
            "upstream = [\"http://a\", \"http://a/\"]",
            "18: routes[0].upstream: http://a is listed twice; keep one",
        ),
        (
            "upstream = [\"http://a\", \"http://u:p@b\"]",
            "18: routes[0].upstream: address 2: leave credentials out of the URL",
        ),
    ] {
        assert_eq!(refusal(upstream), format!("configuration:{expected}"));
    }
}

#[test]
fn tls_is_configured_where_it_is_spoken() {
    let (certificate, key) = identity("localhost");
    let toml = with_upstream(&format!(
        "upstream = \"https://a\"\n[routes.upstream_tls]\nca_file = \"{0}\"\n\
         client_cert_file = \"{0}\"\nclient_key_file = \"{1}\"\nserver_name = \"b\"\n[[routes]]\n\
         path = \"/c\"\nupstream = \"http://c\"",
        certificate.path(),
        key.path(),
    ));
    let config = Config::parse(&toml, []).unwrap();
    let printed = config.to_redacted_toml();
    let table = format!(
        "[routes.upstream_tls]\nca_file = \"{0}\"\nclient_cert_file = \"{0}\"\n\
         client_key_file = \"{1}\"\nserver_name = \"b\"\ndanger_accept_invalid_certs = false\n",
        certificate.path(),
        key.path(),
    );
    assert!(printed.contains(&table), "{printed}");
    assert!(config.routes[1].upstream_tls.is_none());
}

#[test]
fn tls_that_cannot_work_is_refused() {
    let (certificate, key) = identity("localhost");
    let (_, other_key) = identity("localhost");
    let (certificate, key, other_key) = (certificate.path(), key.path(), other_key.path());
    for (upstream, table, expected) in [
        (
            "http://a",
            "server_name = \"b\"".to_owned(),
            "routes[0].upstream_tls: no upstream of this route is https://; drop it".to_owned(),
        ),
        (
            "https://a",
            "server_name = \"b:443\"".to_owned(),
            "routes[0].upstream_tls.server_name: not a host name; write the name alone".into(),
        ),
        (
            "https://a",
            format!("client_cert_file = \"{certificate}\""),
            "routes[0].upstream_tls.client_cert_file: has no effect alone; set \
             client_key_file, too"
                .into(),
        ),
        (
            "https://a",
            format!("client_key_file = \"{key}\""),
            "routes[0].upstream_tls.client_key_file: has no effect alone; set \
             client_cert_file, too"
                .into(),
        ),
        (
            "https://a",
            format!("client_cert_file = \"{certificate}\"\nclient_key_file = \"{certificate}\""),
            format!(
                "routes[0].upstream_tls.client_cert_file: cannot read a private key as PEM \
                 from client_key_file, {certificate:?}"
            ),
        ),
        (
            "https://a",
            "danger_accept_invalid_cert = true".to_owned(),
            "routes[0].upstream_tls.danger_accept_invalid_cert: unknown key; \
             did you mean danger_accept_invalid_certs?"
                .into(),
        ),
    ] {
        let toml = format!("upstream = \"{upstream}\"\n[routes.upstream_tls]\n{table}");
        // A table comes after the keys of the one around it.
        let toml = with_upstream("").replace("[ghes.limits]", &format!("{toml}\n[ghes.limits]"));
        let lines = errors(&toml, &[]);
        assert!(lines.ends_with(&format!(": {expected}")), "{lines}");
    }
    let mismatch = format!(
        "client_cert_file = \"{certificate}\"\nclient_key_file = \"{other_key}\"\n[ghes.limits]"
    );
    let toml = format!("upstream = \"https://a\"\n[routes.upstream_tls]\n{mismatch}");
    let lines = errors(&with_upstream("").replace("[ghes.limits]", &toml), &[]);
    assert!(
        lines.contains("does not go with client_key_file"),
        "{lines}"
    );
}

#[test]
fn what_an_upstream_is_told_and_how_long_it_may_take_is_refused_where_it_cannot_be_kept() {
    assert_refused(REFUSED);
}

/// What stands in [`GOOD`], what is written instead, and what is said about it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "path = \"/\"",
        "path = \"/\"\nhost = \"gate\"",
        "18: routes[0].host: not known; write \"client\" or \"upstream\"",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nhost = [\"client\"]",
        "18: routes[0].host: expected a string, found an array",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\nrewrite_redirects = \"off\"",
        "18: routes[0].rewrite_redirects: expected true or false, found a string",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\ntimeouts.connect = \"0s\"",
        "18: routes[0].timeouts.connect: must be more than 0s and at most 1h",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\ntimeouts.response = \"25h\"",
        "18: routes[0].timeouts.response: must be at least 0s, which is no limit, and at most 1d",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\ntimeouts.idle = \"-1s\"",
        "18: routes[0].timeouts.idle: must be at least 0s, which is no limit, and at most 1d",
    ),
    (
        "path = \"/\"",
        "path = \"/\"\ntimeouts.responce = \"1s\"",
        "18: routes[0].timeouts.responce: unknown key; did you mean response?",
    ),
];

#[test]
fn what_an_upstream_is_told_and_how_long_it_may_take_has_defaults() {
    let [route] = &Config::parse(GOOD, []).unwrap().routes[..] else {
        panic!("one route");
    };
    assert_eq!(route.host, UpstreamHost::Client);
    assert!(route.rewrite_redirects);
    assert_eq!(route.timeouts, UpstreamTimeouts::default());
    let keys = "path = \"/\"\nhost = \"upstream\"\nrewrite_redirects = false\n\
                timeouts = { connect = \"5s\", response = \"0s\", idle = \"1h\" }";
    let config = Config::parse(&edited("path = \"/\"", keys), []).unwrap();
    let route = &config.routes[0];
    assert_eq!(route.host, UpstreamHost::Upstream);
    assert!(!route.rewrite_redirects);
    assert_eq!(route.timeouts.connect, Duration::from_secs(5));
    assert_eq!(route.timeouts.response, None);
    assert_eq!(route.timeouts.idle, Some(Duration::from_secs(3600)));
}

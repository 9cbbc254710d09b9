mod assertion;
mod environment;
mod every_key;
mod ghes_alone;
mod ghes_proxy;
mod keys;
mod mistakes;
mod refused;
mod refused_people;
mod routes;
mod secrets;
mod servers;
mod tls;

use std::env::temp_dir;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::reader::path::PREFIX;
use super::*;

const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const NEXT_SECRET: &str = "f7cc3eea3bf74008f4bb6cab73da95c015da4fe3";

pub(in crate::config) const GOOD: &str = r#"[server]
listen = ["127.0.0.1:8080"]
realm = "tools"
[ghes]
url = "https://ghes.example.com"
allow_insecure_http = false
api_version = "2022-11-28"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[cache]
active_max_age = "60s"
inactive_max_age = "10s"
active_capacity = 100000
inactive_capacity = 100000
[[routes]]
path = "/"
upstream = "http://127.0.0.1:3000"
scopes = ["read:org"]
anonymous = false
forward_token = false
[ghes.limits]
concurrency = 64
rate = 200
burst = 250
queue = 1024
"#;

const CA: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBezCCASGgAwIBAgIUZryB98DL7ZvhqLzXCM+rBEUOBJswCgYIKoZIzj0EAwIw\n\
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwMjM1MjFaGA8yMTI2MTAyODAy\n\
MzUyMVowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n\
A0IABDvIRIqB0yPps0Uq11BOv11x1XiVvnJYsiBHPuKFyUovmtZvgcR+rzt7ebl+\n\
G1ZISvoBBKYV355SfaMkstWjYJCjUzBRMB0GA1UdDgQWBBTC6aLDAWGHOYcUOOUM\n\
RANxDtMnzTAfBgNVHSMEGDAWgBTC6aLDAWGHOYcUOOUMRANxDtMnzTAPBgNVHRMB\n\
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIALpFtKKpDncvKj3M2a8zX6PuqsM\n\
nxgbn4IF+dZiq+XFAiEAmW5sJ0LMMfXK11kHVkl/6BqzH+Ls5KziqZIhcc/x9Z4=\n\
-----END CERTIFICATE-----\n";

/// A file that is gone when the test is.
pub(in crate::config) struct TempFile(PathBuf);

impl TempFile {
    pub(in crate::config) fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = temp_dir().join(format!("gatekeeper-{}-{count}", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(in crate::config) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let prefixed = |(name, text): &(&str, &str)| (format!("{PREFIX}{name}"), (*text).to_owned());
    variables.iter().map(prefixed).collect()
}

fn edited(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn example(files: &[TempFile; 5]) -> String {
    with_files(Config::EXAMPLE, files)
}

/// The example's text with files that are there.
fn with_files(text: &str, [ca, secret, next, cert, key]: &[TempFile; 5]) -> String {
    text.replace("/etc/ssl/corp-ca.pem", ca.path())
        .replace("/run/secrets/ghes-client-secret", secret.path())
        .replace("/run/secrets/ghes-next-client-secret", next.path())
        .replace("/run/secrets/webhook-secret", secret.path())
        .replace("/run/secrets/admin", next.path())
        .replace("/run/secrets/apisix", next.path())
        .replace("/run/secrets/session.key", next.path())
        .replace("/etc/gate/tls.crt", cert.path())
        .replace("/etc/gate/tls.key", key.path())
        .replace("/etc/gate/assertion.pem", key.path())
}

pub(in crate::config) fn errors(toml: &str, environment: &[(&str, &str)]) -> String {
    let errors = Config::parse(toml, variables(environment)).unwrap_err();
    let text = errors.to_string();
    assert_eq!(errors.iter().count(), text.lines().count(), "{text}");
    assert!(!text.contains(SECRET) && !format!("{errors:?}").contains(SECRET));
    text
}

fn files() -> [TempFile; 5] {
    let (cert, key) = certificate();
    [CA, SECRET, NEXT_SECRET, &cert, &key].map(TempFile::new)
}

/// A certificate and its key.
fn certificate() -> (String, String) {
    let pair = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
    (pair.cert.pem(), pair.signing_key.serialize_pem())
}

#[test]
fn the_documented_example_works() {
    let files = files();
    let [ca, _, _, cert, _] = &files;
    let config = Config::parse(&example(&files), []).unwrap();
    let next_secret = config.ghes[0].apps[0].client_secret_next.as_ref().unwrap();
    assert_eq!(next_secret.expose_secret(), NEXT_SECRET);
    assert_eq!(config.ghes[0].ca_file.as_deref(), Some(ca.0.as_path()));
    assert_eq!(config.ghes[0].apps[0].client_secret.expose_secret(), SECRET);
    let webhook = config.webhook.unwrap();
    assert_eq!(webhook.secret.expose_secret(), SECRET);
    assert_eq!(config.server.tls.unwrap().cert_file, cert.0);
    assert_eq!(config.server.listen, [DEFAULT_LISTEN.into()]);
    assert_eq!(config.cache.active_max_age, Duration::from_secs(60));
}

/// No key of the example is read by another name, and none is passed over.
#[test]
fn a_slip_in_any_key_is_an_error_that_names_it() {
    let files = files();
    // Tables that are only shown are there as well.
    let example = example(&files).replace("# [", "[");
    let example: String = example
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(shown) if shown.contains(" = ") && !shown.contains("_file = ") => {
                format!("{shown}\n")
            }
            _ => format!("{line}\n"),
        })
        .filter(|line| !line.starts_with("cors = ") && !line.starts_with("preset = "))
        .collect();
    let example = example.replace("upstream = \"http:", "upstream = \"https:");
    let printed = Config::parse(&example, []).unwrap().to_redacted_toml();
    // A list of files is printed as such.
    let key_files = format!("[\"{}\"]", files[2].path());
    let filled = printed.replace("[\"[redacted]\"]", &key_files);
    // First that of operators; then the two of the app, which differ.
    let filled = filled.replacen("[redacted]", NEXT_SECRET, 1);
    let filled = filled.replacen("[redacted]", SECRET, 1);
    let filled = filled.replace("[redacted]", NEXT_SECRET);
    let again = Config::parse(&filled, []).unwrap().to_redacted_toml();
    assert_eq!(again, printed, "what is printed is all there is");
    let is_key = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let mut keys = 0;
    for (at, line) in example.lines().enumerate() {
        let key = line.split(" =").next().unwrap_or_default();
        if key.len() == line.len() || key.is_empty() || !key.bytes().all(is_key) {
            continue;
        }
        keys += 1;
        let mut lines: Vec<String> = example.lines().map(str::to_owned).collect();
        lines[at] = line.replacen(key, &format!("{key}x"), 1);
        let errors = errors(&lines.join("\n"), &[]);
        let slip = format!("configuration:{}: ", at + 1);
        let named = errors.lines().find(|error| error.starts_with(&slip));
        let named = named.unwrap_or_else(|| panic!("{line}\n{errors}"));
        assert!(named.contains(&format!("{key}x: unknown key")), "{named}");
    }
    assert!(keys > 60, "{keys}");
}

#[test]
fn the_example_shows_the_defaults() {
    let files = files();
    let example = example(&files);
    let [_, secret, ..] = &files;
    let shortest = format!(
        "ghes = {{ url = 'https://ghes.example.com', apps = [{{ \
         client_id = 'Iv1.8a61f9b3a7aba766', client_secret_file = '{}' }}] }}\n\
         routes = [{{ path = '/', upstream = 'http://127.0.0.1:3000' }}]",
        secret.path()
    );
    let print = |toml| Config::parse(toml, []).unwrap().to_redacted_toml();
    let printed = print(&shortest);
    let differs = |line: &&str| !printed.lines().any(|default| default == *line);
    let keys = |line: &str| line.split(" =").next().unwrap().to_owned();
    let printed_example = print(&example);
    let differing = printed_example.lines().filter(differs).map(keys);
    // As many as this machine has processors.
    let differing: Vec<String> = differing.filter(|key| key != "workers").collect();
    // These have no default to show.
    assert_eq!(
        differing,
        [
            "admin_listen",
            "probe_listen",
            "allowed_hosts",
            "[server.tls]",
            "cert_file",
            "key_file",
            "[admin]",
            "secret",
            "ca_file",
            "proxy",
            "api_version",
            "client_secret_next",
            "name",
            "hosts",
            "methods",
            "scopes",
            "users",
            "orgs",
            "teams",
            "account_types",
            "user_ids",
            "max_age",
            "[decisions]",
            "listen",
            "oauth2_auth",
            "[decisions.tls]",
            "cert_file",
            "key_file",
            "[[decisions.callers]]",
            "id",
            "secret",
            "scopes",
            "users",
            "orgs",
            "teams",
            "account_types",
            "user_ids",
            "max_age",
            "[decisions.token_review]",
            "groups",
            "username_prefix",
            "groups_prefix",
            "[authorization_server]",
            "issuer",
            "scopes_supported",
            "pkce",
            "[webhook]",
            "listen",
            "secret",
        ]
    );
}

#[test]
fn proxies_are_trusted_by_address_and_by_network() {
    let toml = edited(
        "[ghes]",
        "trusted_proxies = ['192.0.2.1', '2001:db8::/32']\n[ghes]",
    );
    let config = Config::parse(&toml, []).unwrap();
    let trusts = |address: &str| {
        config
            .server
            .trusted_proxies
            .contains(address.parse().unwrap())
    };
    for address in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1::1"] {
        assert!(trusts(address), "{address}");
    }
    for address in ["192.0.2.2", "2001:db9::1", "127.0.0.1", "::1"] {
        assert!(!trusts(address), "{address}");
    }
    let nobody = Config::parse(GOOD, []).unwrap().server.trusted_proxies;
    assert!(nobody.iter().next().is_none() && !nobody.contains("127.0.0.1".parse().unwrap()));
    let printed = config.to_redacted_toml();
    let line = "\ntrusted_proxies = [\"192.0.2.1/32\", \"2001:db8::/32\"]\n";
    assert!(printed.contains(line), "{printed}");
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let toml = "[cache]\nactive_max_age = 60\n[server]\nlisten = \"here\"\n[ghes]\nurll = 1\n\
                [[routes]]\npath = \"x\"\nanonymous = 1\n";
    assert_eq!(
        errors(
            toml,
            &[("SERVER__PORT", "80"), ("CACHE__INACTIVE_CAPACITY", "0")]
        ),
        "configuration:2: cache.active_max_age: expected a string, found an integer; \
         a duration is a string with units, like \"60s\" or \"1m 30s\"\n\
         configuration:4: server.listen[0]: not an IP address with a port; \
         write it like 127.0.0.1:8080 or unix:/run/ghes-gatekeeper/gate.sock\n\
         configuration:5: ghes.url: missing; write url = \"https://ghes.example.com\", \
         or set GHES_GATEKEEPER_GHES__URL\n\
         configuration:5: ghes.apps: missing; begin with [[ghes.apps]] and its client_id, \
         or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID\n\
         configuration:6: ghes.urll: unknown key; did you mean url?\n\
         configuration:7: routes[0].upstream: missing; \
         write upstream = \"http://127.0.0.1:3000\", \
         or set GHES_GATEKEEPER_ROUTES__0__UPSTREAM\n\
         configuration:8: routes[0].path: must start with a slash\n\
         configuration:9: routes[0].anonymous: expected true or false, found an integer\n\
         GHES_GATEKEEPER_CACHE__INACTIVE_CAPACITY: cache.inactive_capacity: must be at least 1\n\
         GHES_GATEKEEPER_SERVER__PORT: server.port: unknown key"
    );
}

#[test]
fn a_route_that_is_wrong_in_itself_still_takes_its_path() {
    let routes = "[[routes]]\npath = \"/a\"\nupstream = \"?\"\n\
                  [[routes]]\npath = \"/a/\"\nupstream = \"?\"\n[[routes]]";
    let text = errors(&edited("[[routes]]", routes), &[]);
    let lines = [
        "18: routes[0].upstream",
        "20: routes[1].path",
        "21: routes[1].upstream",
    ];
    for (line, start) in text.lines().zip(lines) {
        assert!(
            line.starts_with(&format!("configuration:{start}: ")),
            "{line}"
        );
    }
    assert_eq!(text.lines().count(), lines.len());
}

#[test]
fn routes_that_nobody_can_get_to_are_warned_about() {
    for (client_id, scopes, warnings) in [
        ("Iv1.8a61f9b3a7aba766", "scopes = [\"read:org\"]", 1),
        ("Iv23liABCDEFGHIJKLMN", "scopes_any = [\"read:org\"]", 1),
        ("Iv1.8a61f9b3a7aba766", "", 0),
        ("abcde12345fghij67890", "scopes = [\"read:org\"]", 0),
        ("Ov23liABCDEFGHIJKLMN", "scopes = [\"read:org\"]", 0),
    ] {
        let toml = edited("scopes = [\"read:org\"]", scopes);
        let toml = toml.replace("Iv1.8a61f9b3a7aba766", client_id);
        let said = Config::parse(&toml, []).unwrap().warnings();
        assert_eq!(said.len(), warnings, "{client_id} {scopes}: {said:?}");
        assert!(
            said.iter()
                .all(|line| line.starts_with("routes[0].scopes: "))
        );
    }
}

#[test]
fn plain_http_needs_loopback_or_consent() {
    let loopback = edited("https://ghes.example.com", "http://127.0.0.1:9090");
    assert!(Config::parse(&loopback, []).is_ok());
    let consent = edited("https://", "http://").replace("http = false", "http = true");
    assert!(Config::parse(&consent, []).is_ok());
}

#[test]
fn an_empty_configuration_says_where_to_begin() {
    let nothing = Config::load(None, []).unwrap_err().to_string();
    assert_eq!(
        nothing,
        "ghes.url: missing; write url = \"https://ghes.example.com\", \
         or set GHES_GATEKEEPER_GHES__URL\n\
         ghes.apps: missing; begin with [[ghes.apps]] and its client_id, \
         or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID\n\
         routes: missing; begin with [[routes]] and its path, \
         or set GHES_GATEKEEPER_ROUTES__0__PATH"
    );
    assert!(errors("routes = []", &[]).contains("configuration:1: routes: missing"));
}

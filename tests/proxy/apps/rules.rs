//! The rules of a proxy are replaced while it serves, and what is the same in both stays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::proxy::Proxy;
use tokio::net::TcpListener;

use super::{A, B, Ghes, SECRET};
use crate::support::{Client, Upstream, route, status};

/// A proxy with one GHES and one tool, whose rules are replaced.
struct Site {
    ghes: Ghes,
    upstream: Upstream,
    proxy: Proxy,
    gate: SocketAddr,
    token: String,
}

impl Site {
    async fn start() -> Self {
        let ghes = Ghes::start(1).await;
        let upstream = Upstream::start().await;
        let config = config(&toml(&ghes, &route("/", upstream.address, "")));
        let proxy = Proxy::new(&config).expect("a proxy");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = listener.local_addr().expect("an address");
        tokio::spawn(proxy.clone().serve(listener, std::future::pending()));
        let token = ghes.mint(A, "octocat", &["repo"]);
        Self {
            ghes,
            upstream,
            proxy,
            gate,
            token,
        }
    }

    fn toml(&self, routes: &str) -> String {
        toml(&self.ghes, routes)
    }

    fn route(&self, path: &str, more: &str) -> String {
        route(path, self.upstream.address, more)
    }

    fn replace(&self, toml: &str) {
        let replaced = self.proxy.replace_rules(&config(toml));
        replaced.expect("rules that can be used");
    }

    async fn status(&self, path: &str) -> u16 {
        let mut client = Client::to(self.gate).await;
        status(&client.exchange(&get(path, &self.token)).await)
    }

    /// How often GHES was asked about tokens.
    fn calls(&self) -> usize {
        self.ghes.asked().len()
    }
}

fn toml(ghes: &Ghes, routes: &str) -> String {
    let url = ghes.address;
    format!(
        "[server]\nworkers = 1\n[server.limits]\n[server.timeouts]\n[cache]\n[ghes]\nname = 'ghes'\n\
         url = 'http://{url}'\n[[ghes.apps]]\nclient_id = '{A}'\nclient_secret = '{SECRET}'\n{routes}"
    )
}

fn config(toml: &str) -> Config {
    Config::parse(toml, []).expect("a configuration")
}

fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Sends requests until it is told to stop; returns how many, all of which passed.
async fn load(gate: SocketAddr, token: String, stop: Arc<AtomicBool>) -> usize {
    let mut client = Client::to(gate).await;
    let mut passed = 0;
    while !stop.load(Ordering::Relaxed) {
        // A connection may be kept or new.
        if passed % 7 == 0 {
            client = Client::to(gate).await;
        }
        let response = client.exchange(&get("/", &token)).await;
        assert_eq!(status(&response), 200, "request {passed}: {response}");
        passed += 1;
    }
    passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_replaced_under_load_without_a_failed_request() {
    let site = Site::start().await;
    assert_eq!(site.status("/").await, 200);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| tokio::spawn(load(site.gate, site.token.clone(), Arc::clone(&stop))))
        .collect();
    let all = site.route("/", "");
    let (stricter, more) = (
        site.route("/", "scopes = ['repo']"),
        site.route("/more", ""),
    );
    let with_limits = site
        .toml(&all)
        .replace("[server.limits]", "[server.limits]\ntarget_bytes = 1024");
    let turns = [
        site.toml(&(stricter.clone() + &more)),
        site.toml(&all),
        with_limits,
        site.toml(&(more + &stricter)),
    ];
    for toml in turns.iter().cycle().take(200) {
        site.replace(toml);
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut passed = 0;
    for client in clients {
        passed += client.await.expect("no failed request");
    }
    assert!(passed >= 8, "{passed}");
    assert_eq!(site.calls(), 1, "the token is remembered all the time");
}

#[tokio::test]
async fn the_next_request_on_an_open_connection_meets_the_new_rules() {
    let site = Site::start().await;
    let mut client = Client::to(site.gate).await;
    let asked = get("/", &site.token);
    assert_eq!(status(&client.exchange(&asked).await), 200);
    for (more, expected) in [
        ("scopes = ['admin:org']", 403),
        ("users = ['hubot']", 403),
        ("methods = ['POST']", 405),
        ("hosts = ['b.example.com']", 404),
        ("", 200),
    ] {
        site.replace(&site.toml(&site.route("/", more)));
        assert_eq!(status(&client.exchange(&asked).await), expected, "{more}");
    }
    assert_eq!(site.calls(), 1);
}

#[tokio::test]
async fn an_app_is_kept_with_its_server_its_secret_and_its_ages() {
    let site = Site::start().await;
    assert_eq!(site.status("/").await, 200);
    let same = site.toml(&site.route("/", "scopes = ['repo']"));
    let other_app =
        format!("[[ghes.apps]]\nclient_id = '{B}'\nclient_secret = '{SECRET}'\n[[routes]]");
    let beside = site
        .toml(&site.route("/", ""))
        .replacen("[[routes]]", &other_app, 1);
    for toml in [&same, &beside] {
        site.replace(toml);
        assert_eq!(site.status("/").await, 200);
        assert_eq!(site.calls(), 1, "{toml}");
    }
    for (at, (from, to)) in [
        ("[cache]", "[cache]\nactive_max_age = '30s'"),
        ("name = 'ghes'", "name = 'other'"),
        ("name = 'ghes'", "api_version = '2022-11-28'"),
        (SECRET, "another-secret-that-ghes-refuses"),
    ]
    .into_iter()
    .enumerate()
    {
        site.replace(&site.toml(&site.route("/", "")).replace(from, to));
        let expected = if from == SECRET { 503 } else { 200 };
        assert_eq!(site.status("/").await, expected, "{to}");
        assert_eq!(site.calls(), at + 2, "{to}");
    }
}

/// A file of a test, which goes with it.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("ghes-gatekeeper-rules-{name}-{}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("a file");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn certificate() -> String {
    let made = rcgen::generate_simple_self_signed(["ghes".to_owned()]);
    made.expect("a certificate").cert.pem()
}

#[tokio::test]
async fn an_app_begins_anew_where_a_file_holds_something_else_or_a_secret_moves_to_one() {
    let site = Site::start().await;
    let authority = File::new("ca", &certificate());
    let (one, other) = (File::new("one", SECRET), File::new("other", SECRET));
    let plain = site.toml(&site.route("/", ""));
    let with_ca = plain.replace(
        "name = 'ghes'",
        &format!("name = 'ghes'\nca_file = {:?}", authority.0),
    );
    let in_file = |file: &File| {
        let secret = format!("client_secret = '{SECRET}'");
        plain.replace(&secret, &format!("client_secret_file = {:?}", file.0))
    };
    let mut calls = 0;
    for (toml, begins_anew) in [
        (&plain, true),
        (&with_ca, true),
        (&with_ca, false),
        (&with_ca, true),
        (&in_file(&one), true),
        (&in_file(&one), false),
        (&in_file(&other), true),
        (&plain, true),
    ] {
        if calls == 2 && begins_anew {
            // The same path, and another authority in it.
            authority.write(&certificate());
        }
        if calls > 0 {
            site.replace(toml);
        }
        assert_eq!(site.status("/").await, 200);
        calls += usize::from(begins_anew);
        assert_eq!(site.calls(), calls, "{toml}");
    }
}

#[tokio::test]
async fn what_is_signed_does_not_change_by_halves() {
    let site = Site::start().await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let key = File::new("key", &key.serialize_pem());
    let assertion = format!(
        "[assertion]\nissuer = 'https://gate.example.com'\nkey_files = {:?}\n",
        key.0
    );
    let toml = site.toml(&site.route("/", "users = ['hubot']")) + &assertion;
    let refused = site.proxy.replace_rules(&config(&toml));
    let error = refused.expect_err("a gate that does not sign").to_string();
    assert!(error.contains("[assertion]"), "{error}");
    assert_eq!(site.status("/").await, 200, "nothing has changed");
}

#[tokio::test]
async fn operators_reach_and_see_what_was_replaced() {
    let site = Site::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(site.proxy.admin().serve(listener, std::future::pending()));
    let mut admin = Client::to(address).await;
    for _ in 0..3 {
        assert_eq!(site.status("/").await, 200);
    }
    let toml = site.toml(&site.route("/", ""));
    let unreachable = "[[ghes]]\nname = 'far'\nurl = 'http://127.0.0.1:1'\n[[ghes.apps]]\n\
                       client_id = 'a'\nclient_secret = 'b'\n";
    let far = format!("{unreachable}{}", site.route("/far", "ghes = 'far'"));
    let both = toml
        .replace("[ghes]", "[[ghes]]")
        .replace("path = \"/\"", "path = \"/\"\nghes = 'ghes'")
        + &far;
    let both = both.replace("[cache]", "[cache]\nactive_max_age = '30s'");
    site.replace(&both);
    let ready = admin
        .exchange("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(status(&ready), 200, "{ready}");
    let metrics = admin
        .exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let hits = metrics.lines().find_map(|line| {
        line.strip_prefix("ghes_gatekeeper_cache_lookups_total{cache=\"active\",result=\"hit\"} ")
    });
    assert_eq!(hits, Some("2"), "{metrics}");
    let purge = "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: 13\r\n\r\n{\"user_id\":1}";
    let purged = admin.exchange(purge).await;
    assert!(purged.ends_with("{\"purged\":1}"), "{purged}");
}

#[tokio::test]
async fn what_was_purged_before_a_replacement_stays_so() {
    let site = Site::start().await;
    assert_eq!(site.status("/").await, 200);
    site.replace(&site.toml(&site.route("/", "scopes = ['repo']")));
    assert!(site.ghes.emulator.revoke(&site.token));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(site.proxy.admin().serve(listener, std::future::pending()));
    let purge = "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: 13\r\n\r\n{\"user_id\":1}";
    let response = Client::to(address).await.exchange(purge).await;
    assert_eq!(status(&response), 200, "{response}");
    assert_eq!(site.status("/").await, 401);
}

#[tokio::test]
async fn rules_that_cannot_be_used_change_nothing() {
    let site = Site::start().await;
    assert_eq!(site.status("/").await, 200);
    let file = File::new("gone", &certificate());
    let ca_file = format!("name = 'ghes'\nca_file = {:?}", file.0);
    let toml = site.toml(&site.route("/", "users = ['hubot']"));
    let toml = toml.replace("name = 'ghes'", &ca_file);
    let config = config(&toml);
    drop(file);
    let refused = site.proxy.replace_rules(&config);
    assert!(refused.is_err(), "the file is gone");
    assert_eq!(site.status("/").await, 200);
    assert_eq!(site.calls(), 1);
}

#[tokio::test]
async fn limits_are_those_of_the_new_rules() {
    let site = Site::start().await;
    let long = format!("/?{}", "a".repeat(2000));
    let mut client = Client::to(site.gate).await;
    assert_eq!(
        status(&client.exchange(&get(&long, &site.token)).await),
        200
    );
    let toml = site.toml(&site.route("/", ""));
    site.replace(&toml.replace("[server.limits]", "[server.limits]\ntarget_bytes = 1024"));
    assert_eq!(
        status(&client.exchange(&get(&long, &site.token)).await),
        414
    );
    let one = "[server.limits]\nconnections_per_client = 1";
    site.replace(&toml.replace("[server.limits]", one));
    let mut kept = Client::to(site.gate).await;
    // The first is still open, or its end is not seen yet: until then each further one is closed.
    drop(client);
    while kept.try_exchange(&get("/", &site.token)).await.is_empty() {
        kept = Client::to(site.gate).await;
    }
    let mut second = Client::to(site.gate).await;
    assert_eq!(second.try_exchange(&get("/", &site.token)).await, "");
    site.replace(&toml);
    assert_eq!(site.status("/").await, 200);
}

#[tokio::test]
async fn new_rules_give_a_client_no_more_turns_unless_its_limit_is_another() {
    let site = Site::start().await;
    let rules = |burst: u32, more| {
        let limits = format!(
            "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = {burst}"
        );
        let toml = site.toml(&site.route("/", more));
        toml.replace("[server.limits]", &limits)
    };
    let mut client = Client::to(site.gate).await;
    let mut unknown = 0..;
    // A turn comes back each second, so some of many may be there again.
    let mut refused = async |tokens: usize| {
        let mut refused = 0;
        for number in unknown.by_ref().take(tokens) {
            let request = get("/", &format!("gho_unknown{number}"));
            match status(&client.exchange(&request).await) {
                401 => {}
                429 => refused += 1,
                other => panic!("{other}"),
            }
        }
        refused
    };
    site.replace(&rules(20, ""));
    assert_eq!(refused(20).await, 0);
    for more in ["scopes = ['repo']", "users = ['octocat']", ""] {
        site.replace(&rules(20, more));
        assert!(refused(20).await > 0, "{more}");
    }
    for burst in [30, 25] {
        site.replace(&rules(burst, ""));
        assert_eq!(refused(20).await, 0, "{burst}");
    }
}

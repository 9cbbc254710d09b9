//! What is counted, read from `/metrics` after traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::Stdio;

use ghes_gatekeeper::emulator::Fault;
use ghes_gatekeeper::rejection::RejectionKind;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

mod of_routes;
mod packaged;
mod state;

use crate::TOKEN;
use crate::support::{Client, Gate, Upstream, body, route, status};

const PREFIX: &str = "ghes_gatekeeper_";

/// The label of the server that the configuration of these tests names.
const SERVER: &str = "ghes=\"127.0.0.1:1\"";

const MANUAL: &str = include_str!("../../../src/manual/operations.md");

/// Samples by what stands before their value.
type Samples = BTreeMap<String, f64>;

async fn scrape(admin: &mut Client) -> String {
    let answer = admin
        .exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 200);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(answer.contains(kind), "{answer}");
    body(&answer).to_owned()
}

fn samples(text: &str) -> Samples {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

async fn gate() -> (Gate, Upstream) {
    let upstream = Upstream::start().await;
    let routes = [
        route("/tool", upstream.address, ""),
        route("/open", upstream.address, "anonymous = true"),
        route("/admin", upstream.address, "scopes = [\"admin:org\"]"),
        route("/broken", closed_port().await, ""),
    ];
    (Gate::start(&routes.concat()).await, upstream)
}

/// Where nobody listens any more.
async fn closed_port() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    listener.expect("a port").local_addr().expect("an address")
}

async fn ask(gate: &Gate, path: &str, token: &str) -> u16 {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    status(&gate.connect().await.exchange(&request).await)
}

/// Two hits, misses of each kind, rejections, an outage, a purge.
async fn traffic(gate: &Gate, admin: &mut Client) {
    for (path, token, expected) in [
        ("/tool", TOKEN, 200),
        ("/tool", TOKEN, 200),
        ("/admin", TOKEN, 403),
        ("/broken", TOKEN, 502),
        ("/open", "gho_ignored", 200),
        ("/tool", "gho_nobody", 401),
        ("/tool", "gho_nobody", 401),
        ("/tool", "two words", 400),
        ("/nowhere", TOKEN, 404),
    ] {
        assert_eq!(ask(gate, path, token).await, expected, "{path} {token}");
    }
    gate.ghes
        .fail(Fault::status(StatusCode::TOO_MANY_REQUESTS).times(1));
    assert_eq!(ask(gate, "/tool", "gho_somebody").await, 503);
    let purge = "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: 12\r\n\r\n{\"all\":true}";
    assert_eq!(body(&admin.exchange(purge).await), "{\"purged\":2}");
}

#[tokio::test]
async fn traffic_is_counted_under_the_promised_names() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    let before = samples(&scrape(&mut admin).await);
    traffic(&gate, &mut admin).await;
    let after = samples(&scrape(&mut admin).await);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>(),
        "a series is there from the beginning"
    );

    let mut grown = after;
    grown.retain(|name, value| {
        *value -= before[name];
        // How long it took is another matter, and so is what the process needs.
        let is_time = name.contains("_bucket") || name.contains("_sum");
        *value != 0.0 && !is_time && !name.starts_with("process_")
    });
    let expected = [
        ("cache_lookups_total{cache=\"active\",result=\"hit\"}", 3.0),
        ("cache_lookups_total{cache=\"active\",result=\"miss\"}", 4.0),
        (
            "cache_lookups_total{cache=\"inactive\",result=\"hit\"}",
            1.0,
        ),
        (
            "cache_lookups_total{cache=\"inactive\",result=\"miss\"}",
            3.0,
        ),
        ("ghes_request_duration_seconds_count{GHES}", 3.0),
        ("ghes_requests_total{GHES,result=\"invalid\"}", 1.0),
        ("ghes_requests_total{GHES,result=\"rate_limited\"}", 1.0),
        ("ghes_requests_total{GHES,result=\"valid\"}", 1.0),
        ("purged_total{source=\"admin\"}", 2.0),
        ("request_duration_seconds_count", 10.0),
        ("requests_total{outcome=\"allowed\"}", 2.0),
        ("requests_total{outcome=\"anonymous\"}", 1.0),
        ("requests_total{outcome=\"bad_gateway\"}", 1.0),
        ("requests_total{outcome=\"insufficient_scope\"}", 1.0),
        ("requests_total{outcome=\"invalid_request\"}", 1.0),
        ("requests_total{outcome=\"invalid_token\"}", 2.0),
        ("requests_total{outcome=\"no_route\"}", 1.0),
        ("requests_total{outcome=\"unavailable\"}", 1.0),
        (
            "route_requests_total{route=\"/admin\",result=\"rejected\"}",
            1.0,
        ),
        (
            "route_requests_total{route=\"/broken\",result=\"failed\"}",
            1.0,
        ),
        (
            "route_requests_total{route=\"/open\",result=\"passed\"}",
            1.0,
        ),
        (
            "route_requests_total{route=\"/tool\",result=\"failed\"}",
            1.0,
        ),
        (
            "route_requests_total{route=\"/tool\",result=\"passed\"}",
            2.0,
        ),
        (
            "route_requests_total{route=\"/tool\",result=\"rejected\"}",
            3.0,
        ),
        (
            "upstream_failures_total{route=\"/broken\",reason=\"connect\"}",
            1.0,
        ),
        (
            "upstream_request_duration_seconds_count{route=\"/open\"}",
            1.0,
        ),
        (
            "upstream_request_duration_seconds_count{route=\"/tool\"}",
            2.0,
        ),
    ];
    let expected: Samples = expected
        .map(|(name, n)| (name.replace("GHES", SERVER), n))
        .into();
    assert_eq!(grown, expected);
}

#[tokio::test]
async fn names_and_labels_are_a_closed_list() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    traffic(&gate, &mut admin).await;
    let text = scrape(&mut admin).await;
    let all = samples(&text);
    let families: BTreeSet<&str> = all
        .keys()
        .map(|name| name.split('{').next().expect("a name"))
        .filter(|name| !name.ends_with("_bucket") && !name.ends_with("_sum"))
        .collect();
    assert_eq!(
        families.iter().copied().collect::<Vec<_>>(),
        [
            "breaker_open",
            "build_info",
            "cache_entries",
            "cache_lookups_total",
            "connections",
            "credentials_refused",
            "decision_duration_seconds_count",
            "ghes_in_flight",
            "ghes_request_duration_seconds_count",
            "ghes_requests_total",
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_virtual_memory_bytes",
            "purged_total",
            "ready",
            "reloads_total",
            "request_duration_seconds_count",
            "requests_total",
            "route_requests_total",
            "stale_served_total",
            "tls_handshake_failures_total",
            "upstream_failures_total",
            "upstream_request_duration_seconds_count",
        ]
    );
    for family in families.iter().filter(|name| !name.starts_with("process_")) {
        let name = family.trim_end_matches("_count");
        let row = [format!("| `{name}`"), format!("| `{name}{{")];
        let is_told = row.iter().any(|begin| MANUAL.contains(begin));
        assert!(is_told, "{name} is not in the manual");
    }
    for kind in RejectionKind::ALL {
        let series = format!("requests_total{{outcome=\"{}\"}}", kind.as_str());
        assert!(all.contains_key(&series), "{series}");
    }
    let version = concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    assert_eq!(all[version], 1.0);
    assert!(all.contains_key("purged_total{source=\"webhook\"}"));
    // What the configuration names may be a label. What requests bring is none.
    let mut rest = text;
    for label in [
        SERVER,
        "client_id=\"Iv1.8a61f9b3a7aba766\"",
        "route=\"/tool\"",
    ] {
        rest = rest.replace(label, "");
    }
    for secret in [
        TOKEN,
        "octocat",
        "gho_",
        "Iv1.",
        "3ef4ad51",
        "CANARY",
        "127.0.0.1",
        "/tool",
    ] {
        assert!(!rest.contains(secret), "{secret} in {rest}");
    }
    assert!(all.len() <= 200 + 4 * 12, "{} series", all.len());
}

#[tokio::test]
async fn a_call_under_way_is_in_flight() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    gate.ghes
        .fail(Fault::slow(std::time::Duration::from_secs(2)).times(1));
    let mut client = gate.connect().await;
    let request = format!("GET /tool HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    client.send(&request).await;
    let in_flight = format!("ghes_in_flight{{{SERVER}}}");
    while samples(&scrape(&mut admin).await)[&in_flight] != 1.0 {}
    tokio::time::pause();
    assert_eq!(status(&client.response().await), 200);
    let after = samples(&scrape(&mut admin).await);
    assert_eq!(after[&in_flight], 0.0);
    let took = |at_most: &str| {
        let bucket = format!("ghes_request_duration_seconds_bucket{{le=\"{at_most}\",{SERVER}}}");
        after[&bucket]
    };
    assert_eq!((took("1.0"), took("2.5")), (0.0, 1.0));
    assert_eq!(after["request_duration_seconds_bucket{le=\"+Inf\"}"], 1.0);
}

/// The cache counts its entries in passing, when it is next used.
#[tokio::test]
async fn entries_are_counted_by_their_cache() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    let waiting = async {
        loop {
            assert_eq!(ask(&gate, "/tool", TOKEN).await, 200);
            for nobody in ["gho_nobody", "gho_somebody"] {
                assert_eq!(ask(&gate, "/tool", nobody).await, 401);
            }
            let now = samples(&scrape(&mut admin).await);
            let entries = |cache: &str| now[&format!("cache_entries{{cache=\"{cache}\"}}")];
            if entries("active") == 1.0 && entries("inactive") == 2.0 {
                break;
            }
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await;
    waited.expect("the entries");
}

/// Prometheus's own client for Python reads it, also as the older text format.
#[tokio::test]
async fn another_parser_reads_it() {
    let script = "import sys\n\
                  from prometheus_client import parser\n\
                  from prometheus_client.openmetrics import parser as open\n\
                  text = sys.stdin.read()\n\
                  older = parser.text_string_to_metric_families(text)\n\
                  read = open.text_string_to_metric_families(text)\n\
                  assert [s for f in older for s in f.samples]\n\
                  for f in read:\n    \
                      for s in f.samples:\n        \
                          print(f.type, s.name)\n";
    let import = "import prometheus_client.openmetrics.parser";
    // Where `.ci/run` put it, or wherever it is.
    let python = env::var_os("PROMETHEUS_PYTHON").unwrap_or_else(|| "python3".into());
    let has_parser = Command::new(&python)
        .args(["-c", import])
        .stderr(Stdio::null())
        .status()
        .await;
    if !has_parser.is_ok_and(|status| status.success()) {
        let reason = "python3 has no prometheus_client";
        assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
        println!("skipped: {reason}");
        return;
    }
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    traffic(&gate, &mut admin).await;
    let text = scrape(&mut admin).await;
    let mut python = Command::new(&python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut input = python.stdin.take().expect("standard input");
    input.write_all(text.as_bytes()).await.expect("a reader");
    drop(input);
    let output = python.wait_with_output().await.expect("an exit");
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complained}");
    let read = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(read.lines().count(), samples(&text).len());
    for line in [
        "counter ghes_gatekeeper_requests_total",
        "counter ghes_gatekeeper_stale_served_total",
        "histogram ghes_gatekeeper_request_duration_seconds_bucket",
        "gauge ghes_gatekeeper_cache_entries",
        "gauge ghes_gatekeeper_build_info",
    ] {
        assert!(read.contains(line), "{line} in {read}");
    }
}

/// Prometheus's own tool finds nothing to say of what it asks for, as everything without `Accept`
/// does.
#[tokio::test]
async fn promtool_finds_nothing_to_say() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    traffic(&gate, &mut admin).await;
    let open = samples(&scrape(&mut admin).await);
    for accept in [
        "",
        "Accept: */*\r\n",
        "Accept: text/plain;version=0.0.4\r\n",
    ] {
        let get = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n");
        let answer = admin.exchange(&get).await;
        let kind = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";
        assert!(answer.contains(kind), "{answer}");
        assert!(answer.contains("vary: accept\r\n"), "{answer}");
        let text = body(&answer);
        assert!(samples(text).keys().eq(open.keys()), "{text}");
        if !promtool_is_content(text).await {
            let reason = "promtool is not installed";
            assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
            println!("skipped: {reason}");
            return;
        }
    }
}

/// Fails if `promtool check metrics` has something to say; false if there is no such tool.
async fn promtool_is_content(text: &str) -> bool {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        return false;
    };
    let mut input = promtool.stdin.take().expect("standard input");
    input.write_all(text.as_bytes()).await.expect("a reader");
    drop(input);
    let output = promtool.wait_with_output().await.expect("an exit");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    true
}

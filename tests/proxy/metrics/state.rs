//! What is so when somebody asks: readiness, breakers, connections, certificates.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Samples, ask, samples, scrape};
use crate::TOKEN;
use crate::support::{Client, Gate, Upstream, route};
use crate::tls::Directory;

/// Scrapes until it is so.
async fn until(admin: &mut Client, is_so: impl Fn(&Samples) -> bool) -> Samples {
    let waiting = async {
        loop {
            let now = samples(&scrape(admin).await);
            if is_so(&now) {
                return now;
            }
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await;
    waited.expect("the state")
}

#[tokio::test]
async fn a_connection_is_active_while_a_request_is_under_way() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut admin = gate.admin().await;
    let mut client = gate.connect().await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    client.exchange(&request).await;
    let _silent = gate.connect().await;
    let connections = |now: &Samples| {
        ["active", "idle"].map(|state| now[&format!("connections{{state=\"{state}\"}}")])
    };
    until(&mut admin, |now| connections(now) == [0.0, 2.0]).await;
    // Its body does not come.
    let post = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
    );
    client.send(&post).await;
    until(&mut admin, |now| connections(now) == [1.0, 1.0]).await;
    drop(client);
    until(&mut admin, |now| connections(now) == [0.0, 1.0]).await;
}

#[tokio::test]
async fn it_is_ready_as_the_probe_says() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut admin = gate.admin().await;
    until(&mut admin, |now| now["ready"] == 1.0).await;
    gate.proxy.begin_shutdown();
    let now = samples(&scrape(&mut admin).await);
    assert_eq!(now["ready"], 0.0);
}

#[tokio::test]
async fn a_certificate_and_failed_handshakes_are_told() {
    let directory = Directory::new();
    directory.write(&until_2040());
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "");
    let gate = Gate::start_with(&routes, Some(directory.tls())).await;
    let mut admin = gate.admin().await;
    let now = samples(&scrape(&mut admin).await);
    assert_eq!(
        now["tls_certificate_expiry_timestamp_seconds"],
        2_208_988_800.0
    );
    assert_eq!(now["tls_handshake_failures_total"], 0.0);
    for hello in [
        &b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"[..],
        b"\x00nonsense",
    ] {
        let mut stream = TcpStream::connect(gate.address).await.expect("the gate");
        stream.write_all(hello).await.expect("a reader");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    until(&mut admin, |now| now["tls_handshake_failures_total"] == 2.0).await;
}

fn until_2040() -> CertifiedKey<KeyPair> {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.not_after = date_time_ymd(2040, 1, 1);
    let signing_key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

/// GHES fails, and is counted for each of its answers.
#[tokio::test]
async fn an_outage_fails_the_requests_of_its_route() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut admin = gate.admin().await;
    gate.ghes
        .fail(Fault::status(StatusCode::BAD_GATEWAY).times(2));
    for token in ["gho_one", "gho_two"] {
        assert_eq!(ask(&gate, "/", token).await, 503);
    }
    let now = samples(&scrape(&mut admin).await);
    let failed = "route_requests_total{route=\"/\",result=\"failed\"}";
    assert_eq!(now[failed], 2.0);
    assert_eq!(
        now["upstream_failures_total{route=\"/\",reason=\"connect\"}"],
        0.0
    );
}

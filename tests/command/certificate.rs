//! A certificate that is replaced while `serve` runs.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::running::{Running, command};

fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn write(pair: &CertifiedKey<KeyPair>, directory: &Path) {
    fs::write(directory.join("tls.crt"), pair.cert.pem()).expect("a file");
    fs::write(directory.join("tls.key"), pair.signing_key.serialize_pem()).expect("a file");
}

fn configuration(directory: &Path) -> String {
    let files = directory.display();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         tls = {{ cert_file = \"{files}/tls.crt\", key_file = \"{files}/tls.key\" }}\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n"
    )
}

/// Tells whether the server at `address` has this certificate.
async fn presents(address: &str, pair: &CertifiedKey<KeyPair>) -> bool {
    let name = "localhost".try_into().expect("a name");
    let stream = TcpStream::connect(address).await.expect("a connection");
    connector(pair).connect(name, stream).await.is_ok()
}

/// A client that trusts this certificate alone.
pub(crate) fn connector(pair: &CertifiedKey<KeyPair>) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_hangup_renews_it_at_once_and_ends_nothing() {
    let (old, new) = (pair(), pair());
    let name = format!("ghes-gatekeeper-hangup-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a directory");
    write(&old, &directory);
    let toml = directory.join("serve.toml");
    fs::write(&toml, configuration(&directory)).expect("a file");
    let began_at = Instant::now();
    let mut proxy = Running::start(&["serve", "--config", toml.to_str().expect("UTF-8")]);
    let line = proxy.line().await;
    let address = line
        .strip_prefix("listening on https://")
        .and_then(|line| line.strip_suffix(" (gate)"))
        .unwrap_or_else(|| panic!("{line}"));
    // Its first look at the files is over once some have been served.
    for _ in 0..50 {
        assert!(presents(address, &old).await);
    }
    write(&new, &directory);
    proxy.signal("-HUP").await;
    let renewed = async { while !presents(address, &new).await {} };
    timeout(Duration::from_secs(30), renewed).await.expect("it");
    // Its own look at the files comes after five seconds.
    assert!(began_at.elapsed() < Duration::from_secs(5));
    fs::remove_dir_all(&directory).expect("the directory");
    assert_eq!(proxy.stop("-TERM").await, Some(0));
}

/// A certificate that begins and ends so many days from now.
fn dated(begin: i32, end: i32) -> CertifiedKey<KeyPair> {
    let days = |days: i32| {
        let length = Duration::from_secs(24 * 60 * 60) * days.unsigned_abs();
        let now = SystemTime::now();
        if days < 0 { now - length } else { now + length }
    };
    let signing_key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (days(begin).into(), days(end).into());
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

#[tokio::test]
async fn its_dates_are_warned_of_at_the_start_and_whenever_it_is_read_again() {
    let name = format!("ghes-gatekeeper-dates-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a directory");
    write(&dated(-80, 10), &directory);
    let toml = directory.join("serve.toml");
    fs::write(&toml, configuration(&directory)).expect("a file");
    let arguments = ["serve", "--config", toml.to_str().expect("UTF-8")];
    let mut proxy = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let id = proxy.id().expect("a running process").to_string();
    let mut log = BufReader::new(proxy.stderr.take().expect("a log")).lines();
    // Before that, a hangup ends it.
    let mut output = BufReader::new(proxy.stdout.take().expect("output")).lines();
    output.next_line().await.expect("output").expect("a line");
    // The gate may look at the files by itself, too, and tell the same twice.
    let mut is_warned_of = async |words| loop {
        let line = timeout(Duration::from_secs(30), log.next_line()).await;
        let line = line.expect("in time").expect("a log").expect("a line");
        if line.contains("WARN") && line.contains("tls.crt") && line.contains(words) {
            break;
        }
    };
    is_warned_of("in less than 14 days").await;
    for (begin, end, words) in [
        (-80, -1, "expired at"),
        (1, 90, "is not valid before"),
        (-80, 5, "in less than 14 days"),
        (-9000, -8000, "expired at"),
    ] {
        write(&dated(begin, end), &directory);
        let hangup = Command::new("kill").args(["-HUP", &id]).status().await;
        assert!(hangup.expect("kill").success());
        is_warned_of(words).await;
    }
    fs::remove_dir_all(&directory).expect("the directory");
    proxy.kill().await.expect("an end");
}

#[tokio::test]
async fn a_hangup_ends_nothing_where_there_is_no_certificate() {
    let name = format!("ghes-gatekeeper-no-hangup-{}.toml", std::process::id());
    let toml = std::env::temp_dir().join(name);
    let configuration = "[server]\nlisten = \"127.0.0.1:0\"\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n";
    fs::write(&toml, configuration).expect("a file");
    let mut proxy = Running::start(&["serve", "--config", toml.to_str().expect("UTF-8")]);
    proxy.line().await;
    proxy.signal("-HUP").await;
    // Whoever is ended by the first signal does not get to the second.
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    fs::remove_file(&toml).expect("the file");
}

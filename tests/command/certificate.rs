//! A certificate that is replaced while `serve` runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::running::Running;

fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn write(pair: &CertifiedKey<KeyPair>, directory: &Path) {
    fs::write(directory.join("tls.crt"), pair.cert.pem()).expect("a file");
    fs::write(directory.join("tls.key"), pair.signing_key.serialize_pem()).expect("a file");
}

/// Tells whether the server at `address` has this certificate.
async fn presents(address: &str, pair: &CertifiedKey<KeyPair>) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().expect("a name");
    let stream = TcpStream::connect(address).await.expect("a connection");
    connector.connect(name, stream).await.is_ok()
}

#[tokio::test]
async fn a_hangup_renews_it_at_once_and_ends_nothing() {
    let (old, new) = (pair(), pair());
    let name = format!("ghes-gatekeeper-hangup-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a directory");
    write(&old, &directory);
    let (files, toml) = (directory.display(), directory.join("serve.toml"));
    let configuration = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         tls = {{ cert_file = \"{files}/tls.crt\", key_file = \"{files}/tls.key\" }}\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n"
    );
    fs::write(&toml, configuration).expect("a file");
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

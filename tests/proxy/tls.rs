//! TLS and HTTP/2, with other people's clients.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::proxy::{CertificateFiles, Tls};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio_rustls::TlsConnector;

use super::TOKEN;
use super::peers::run;
use super::support::{Gate, Upstream, headers, route};

/// A directory with a certificate, which is gone when the test is.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ghes-gatekeeper-tls-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    pub(super) fn write(&self, pair: &CertifiedKey<KeyPair>) {
        self.put("tls.crt", &pair.cert.pem());
        self.put("tls.key", &pair.signing_key.serialize_pem());
    }

    /// Replaces a file as a whole, as tools that renew certificates do.
    pub(super) fn put(&self, name: &str, text: &str) {
        fs::write(self.file("new"), text).expect("a file");
        fs::rename(self.file("new"), self.file(name)).expect("the file");
    }

    pub(super) fn tls(&self) -> Tls {
        let files = CertificateFiles {
            cert_file: self.0.join("tls.crt"),
            key_file: self.0.join("tls.key"),
        };
        Tls::load(files).expect("a certificate")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

async fn curl(gate: &Gate, ca: &str, more: &[&str]) -> Option<Output> {
    let url = format!("https://localhost:{}/", gate.address.port());
    let authorization = format!("authorization: Bearer {TOKEN}");
    let common = [
        "-sS",
        "--ipv4",
        "--cacert",
        ca,
        "-H",
        &authorization,
        "-w",
        "%{http_version}",
    ];
    run("curl", &[&common, more, &[&*url]].concat()).await
}

#[tokio::test]
async fn curl_is_served_by_the_protocol_that_it_agrees_on() {
    let directory = Directory::new();
    directory.write(&pair());
    let mut upstream = Upstream::start().await;
    let gate = Gate::start_with(&route("/", upstream.address, ""), Some(directory.tls())).await;
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
        let Some(output) = curl(&gate, &directory.file("tls.crt"), &[option]).await else {
            return;
        };
        let (out, err) = (output.stdout, output.stderr);
        let out = String::from_utf8(out).expect("UTF-8");
        assert_eq!(
            out,
            format!("hello{version}"),
            "{}",
            String::from_utf8_lossy(&err)
        );
        let request = upstream.request().await;
        let headers = headers(&request);
        assert!(headers.contains(&"x-forwarded-proto: https"), "{request}");
        let host = format!("x-forwarded-host: localhost:{}", gate.address.port());
        assert!(headers.contains(&&*host), "{request}");
    }
}

#[tokio::test]
async fn an_upload_over_http_2_arrives_whole() {
    let directory = Directory::new();
    directory.write(&pair());
    let mut upstream = Upstream::start().await;
    let gate = Gate::start_with(&route("/", upstream.address, ""), Some(directory.tls())).await;
    // More than the windows of a stream and of a connection.
    let text = "0123456789abcdef".repeat(128 * 1024);
    fs::write(directory.file("body"), &text).expect("a file");
    let body = format!("@{}", directory.file("body"));
    let more = ["--http2", "--data-binary", &body];
    if curl(&gate, &directory.file("tls.crt"), &more)
        .await
        .is_some()
    {
        let request = upstream.request().await;
        let (_, body) = request.split_once("\r\n\r\n").expect("a body");
        assert!(body == text, "{} bytes of {}", body.len(), text.len());
    }
}

#[tokio::test]
async fn tls_is_at_least_1_2() {
    let directory = Directory::new();
    directory.write(&pair());
    let gate = Gate::start_with(
        &route("/", ([127, 0, 0, 1], 1).into(), ""),
        Some(directory.tls()),
    )
    .await;
    let address = gate.address.to_string();
    for (version, is_spoken) in [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        // Lets openssl offer what it thinks unsafe itself.
        let cipher = ["-cipher", "DEFAULT:@SECLEVEL=0"];
        let arguments = [&["s_client", "-connect", &address, version], &cipher[..]].concat();
        let Some(output) = run("openssl", &arguments).await else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            !text.contains("Cipher is (NONE)"),
            is_spoken,
            "{version}: {text}"
        );
    }
}

#[tokio::test]
async fn a_certificate_is_replaced_only_by_one_that_works() {
    let (old, new) = (pair(), pair());
    let directory = Directory::new();
    directory.write(&old);
    let gate = Gate::start_with(
        &route("/", ([127, 0, 0, 1], 1).into(), ""),
        Some(directory.tls()),
    )
    .await;
    assert!(presents(&gate, &old).await);
    for broken in ["", &new.signing_key.serialize_pem()] {
        directory.put("tls.key", broken);
        pass(Duration::from_secs(6)).await;
        assert!(presents(&gate, &old).await, "the last good one stays");
    }
    directory.write(&new);
    pass(Duration::from_secs(6)).await;
    assert!(presents(&gate, &new).await);
}

/// What `openssl x509 -req` makes if it is not told of any extension.
#[tokio::test]
async fn a_certificate_of_x509_v1_is_called_that_and_not_a_bad_key() {
    let kinds = [
        &["rsa:2048"][..],
        &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        &["ed25519"],
    ];
    for kind in kinds {
        let directory = Directory::new();
        let [request, cert, key] =
            ["request", "tls.crt", "tls.key"].map(|name| directory.file(name));
        let asking = [
            &["req", "-new", "-nodes", "-subj", "/CN=localhost", "-newkey"],
            kind,
        ];
        let asking = [&asking.concat()[..], &["-keyout", &key, "-out", &request]].concat();
        let signing = [
            "x509", "-req", "-in", &request, "-signkey", &key, "-out", &cert,
        ];
        for arguments in [&asking[..], &signing] {
            let Some(output) = run("openssl", arguments).await else {
                return;
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
        }
        let toml = format!(
            "[server.tls]\ncert_file = '{cert}'\nkey_file = '{key}'\n[ghes]\nurl = \"http://a\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://a\"\n"
        );
        let error = Config::parse(&toml, []).expect_err("an error").to_string();
        let expected =
            format!("2: server.tls.cert_file: {cert:?} is a certificate of X.509 v1, and has to");
        assert!(error.contains(&expected), "{error}");
        assert!(error.contains("-extfile"), "{error}");
    }
}

/// Lets time pass for everybody in this process.
pub(super) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::sleep(time).await;
    tokio::time::resume();
}

/// Tells whether the gate has this certificate.
async fn presents(gate: &Gate, pair: &CertifiedKey<KeyPair>) -> bool {
    let name = "localhost".try_into().expect("a name");
    let stream = gate.connect().await.0;
    connector(pair, &[]).connect(name, stream).await.is_ok()
}

/// Connects to whoever has this certificate, and offers these protocols.
pub(super) fn connector(pair: &CertifiedKey<KeyPair>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = rustls::crypto::ring::default_provider();
    let mut config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(std::sync::Arc::new(config))
}

//! What clients that others have written need: a gate over TLS, and themselves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use ghes_gatekeeper::proxy::{CertificateFiles, Listener, Tls};
use rcgen::{CertifiedKey, KeyPair};
use tokio::net::TcpListener;

use crate::support::Gate;

/// A gate that answers callers over TLS, as `https://localhost`.
pub(super) struct Encrypted {
    pub(super) gate: Gate,
    pub(super) address: SocketAddr,
    pub(super) directory: PathBuf,
}

impl Encrypted {
    pub(super) async fn start(name: &str, tables: &str) -> Self {
        let directory = format!("ghes-gatekeeper-callers-{name}-{}", process::id());
        let directory = env::temp_dir().join(directory);
        fs::create_dir_all(&directory).expect("a directory");
        let CertifiedKey { cert, signing_key }: CertifiedKey<KeyPair> = crate::tls::pair();
        let (cert_file, key_file) = (directory.join("gate.crt"), directory.join("gate.key"));
        fs::write(&cert_file, cert.pem()).expect("a file");
        fs::write(&key_file, signing_key.serialize_pem()).expect("a file");
        let tables = tables.replace("'apisix'", "'wiki'");
        let gate = Gate::start(&tables).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let files = CertificateFiles {
            cert_file,
            key_file,
        };
        let tls = Tls::load(files).expect("a certificate");
        let listener = Listener::from(listener).with_tls(tls);
        tokio::spawn(
            gate.proxy
                .decisions()
                .serve(listener, std::future::pending()),
        );
        Self {
            gate,
            address,
            directory,
        }
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.directory
            .join(name)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    }

    /// An example that is shown, with what is here in place of what readers have.
    pub(super) fn example(&self, name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let text = fs::read_to_string(path.join(name)).expect("the example");
        let (host, port) = ("gate.example.com:8081", self.address.port());
        assert!(text.contains(host), "{name}");
        text.replace(host, &format!("localhost:{port}"))
            .replace("/etc/ssl/corp-ca.pem", &self.file("gate.crt"))
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What `.ci/run` has installed and named in the environment.
#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
pub(super) fn installed(variable: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        assert!(env::var_os("CI").is_none(), "CI has {variable}");
        println!("skipped: {variable} is not set");
    }
    value
}

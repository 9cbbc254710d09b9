//! skopeo, which has the code of podman and buildah, before Debian's registry.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{run, text};
use crate::TOKEN;
use crate::support::{Gate, route};
use crate::upstreams::{Temporary, temporary};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// A registry that asks nobody who they are; none where it is not installed.
struct Registry {
    address: SocketAddr,
    _process: Child,
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn registry(home: &Path) -> Option<Registry> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let root = home.join("registry");
    let settings = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
         http:\n  addr: {address}\n",
        root.display()
    );
    let file = home.join("registry.yml");
    fs::write(&file, settings).expect("a file");
    let process = Command::new("docker-registry")
        .arg("serve")
        .arg(&file)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut process = match process {
        Ok(process) => process,
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: docker-registry is not installed");
            return None;
        }
        Err(error) => panic!("docker-registry: {error}"),
    };
    while TcpStream::connect(address).await.is_err() {
        let ended = process.try_wait().expect("a process");
        assert!(ended.is_none(), "docker-registry has ended: {ended:?}");
        tokio::task::yield_now().await;
    }
    Some(Registry {
        address,
        _process: process,
    })
}

/// The smallest image: one layer, which holds nothing (OCI image layout).
fn image(home: &Path) {
    let layout = home.join("image");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a directory");
    let keep = |bytes: &[u8]| {
        let hash = Sha256::digest(bytes);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&hash), bytes).expect("a file");
        (format!("sha256:{hash}"), bytes.len())
    };
    // Two empty blocks are the end of an archive.
    let (layer, layer_length) = keep(&[0; 1024]);
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    });
    let (config, config_length) = keep(config.to_string().as_bytes());
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config, "size": config_length,
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": layer, "size": layer_length,
        }],
    });
    let (manifest, manifest_length) = keep(manifest.to_string().as_bytes());
    let index = serde_json::json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": manifest, "size": manifest_length,
            "annotations": {"org.opencontainers.image.ref.name": "v1"},
        }],
    });
    fs::write(layout.join("index.json"), index.to_string()).expect("a file");
    fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("a file");
}

/// A gate before a registry, and a person who uses skopeo.
struct Scene {
    home: Temporary,
    gate: Gate,
    _registry: Registry,
}

impl Scene {
    async fn set(name: &str, basic: &str) -> Option<Self> {
        let home = temporary(name);
        fs::create_dir(&home.0).expect("a directory");
        run(&home.0, "skopeo", &["--version"]).await?;
        let registry = registry(&home.0).await?;
        image(&home.0);
        let more = format!("basic = {basic}");
        let gate = Gate::start(&route("/", registry.address, &more)).await;
        Some(Self {
            home,
            gate,
            _registry: registry,
        })
    }

    /// Whether it worked, and what was said.
    async fn skopeo(&self, arguments: &[&str]) -> (bool, String) {
        let common = ["--insecure-policy", "--command-timeout", "60s"];
        let all = [&common[..], arguments].concat();
        let output = run(&self.home.0, "skopeo", &all).await.expect("skopeo");
        (output.status.success(), text(&output))
    }

    async fn log_in(&self, token: &str) -> (bool, String) {
        let host = self.gate.address.to_string();
        let file = ["--authfile", "auth.json", "--tls-verify=false"];
        let user = ["login", "-u", "octocat", "-p", token];
        self.skopeo(&[&user[..], &file, &[&host]].concat()).await
    }

    fn remote(&self) -> String {
        format!("docker://{}/octo/tool:v1", self.gate.address)
    }

    async fn push(&self) -> (bool, String) {
        let options = ["--dest-tls-verify=false", "--dest-authfile", "auth.json"];
        let remote = self.remote();
        let copy = [&["copy"], &options[..], &["oci:image:v1", &remote]];
        self.skopeo(&copy.concat()).await
    }

    async fn pull(&self, into: &str) -> (bool, String) {
        let options = ["--src-tls-verify=false", "--src-authfile", "auth.json"];
        let (remote, into) = (self.remote(), format!("dir:{into}"));
        let copy = [&["copy"], &options[..], &[&remote, &into]];
        self.skopeo(&copy.concat()).await
    }

    /// Puts a token where a login would.
    fn keep(&self, token: &str) {
        use base64::Engine as _;
        let pair = base64::prelude::BASE64_STANDARD.encode(format!("octocat:{token}"));
        let host = self.gate.address.to_string();
        let kept = serde_json::json!({"auths": {host: {"auth": pair}}});
        fs::write(self.home.0.join("auth.json"), kept.to_string()).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_pushes_and_pulls_where_basic_alone_is_challenged_for() {
    let Some(scene) = Scene::set("skopeo", "\"only\"").await else {
        return;
    };
    let token = scene.gate.ghes.mint(CLIENT_ID, "octocat", &[], None);
    let token = token.expect("a token");
    for good in [TOKEN, &token] {
        let (logged_in, said) = scene.log_in(good).await;
        assert!(logged_in, "{said}");
        let (pushed, said) = scene.push().await;
        assert!(pushed, "{said}");
        let (pulled, said) = scene.pull(&good[..8]).await;
        assert!(pulled, "{said}");
        assert!(scene.home.0.join(&good[..8]).join("manifest.json").exists());
    }
    scene.keep("gho_nobody");
    for (done, said) in [
        scene.log_in("gho_nobody").await,
        scene.log_in("correct horse").await,
        scene.push().await,
        scene.pull("never").await,
    ] {
        assert!(!done);
        let is_told = ["invalid username/password", "unauthorized", "401"];
        assert!(is_told.iter().any(|words| said.contains(words)), "{said}");
    }
    assert!(!scene.home.0.join("never/manifest.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_with_a_revoked_token_pulls_no_more_and_with_none_nothing() {
    let Some(scene) = Scene::set("skopeo", "\"only\"").await else {
        return;
    };
    scene.keep(TOKEN);
    let (pushed, said) = scene.push().await;
    assert!(pushed, "{said}");
    let token = scene.gate.ghes.mint(CLIENT_ID, "octocat", &[], None);
    let token = token.expect("a token");
    assert!(scene.gate.ghes.revoke(&token));
    scene.keep(&token);
    let (pulled, said) = scene.pull("revoked").await;
    assert!(!pulled, "{said}");
    fs::write(scene.home.0.join("auth.json"), "{}").expect("a file");
    let (pulled, said) = scene.pull("nobody").await;
    assert!(!pulled, "{said}");
}

/// An outage must not look like a wrong password: a person would log in again in vain.
#[tokio::test(flavor = "multi_thread")]
async fn skopeo_says_an_outage_is_one() {
    let Some(scene) = Scene::set("skopeo", "\"only\"").await else {
        return;
    };
    scene.keep(TOKEN);
    let fault = Fault::status(StatusCode::BAD_GATEWAY).times(99);
    scene.gate.ghes.fail(fault);
    for (done, said) in [scene.log_in(TOKEN).await, scene.pull("never").await] {
        assert!(!done, "{said}");
        assert!(said.contains("503"), "{said}");
        assert!(!said.contains("invalid username/password"), "{said}");
    }
    scene.gate.ghes.clear_faults();
    let (pushed, said) = scene.push().await;
    assert!(pushed, "{said}");
}

/// Beside a challenge for Bearer, the other is not looked at: the realm is taken for an address.
#[tokio::test(flavor = "multi_thread")]
async fn skopeo_follows_a_challenge_for_bearer_nowhere() {
    let Some(scene) = Scene::set("skopeo", "true").await else {
        return;
    };
    let results = [scene.log_in(TOKEN).await, scene.push().await];
    for (done, said) in results {
        assert!(!done, "{said}");
    }
}

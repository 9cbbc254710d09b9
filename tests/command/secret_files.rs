//! A secret that is edited while the proxy runs takes effect by itself, and breakers recover.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::running::{Running, command};

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("ghes-gatekeeper-{name}-{id}"));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// Writes a file as Kubernetes does: a link through a directory that is replaced as a whole.
    fn write(&self, name: &str, version: &str, text: &str) -> PathBuf {
        let (data, file) = (format!("..{name}"), self.0.join(name));
        let fresh = self.0.join(format!("..{name}-{version}"));
        std::fs::create_dir_all(&fresh).expect("a directory");
        std::fs::write(fresh.join(name), text).expect("a file");
        let swap = self.0.join("..swap");
        std::os::unix::fs::symlink(&fresh, &swap).expect("a link");
        std::fs::rename(swap, self.0.join(&data)).expect("a swap");
        if !file.exists() {
            std::os::unix::fs::symlink(Path::new(&data).join(name), &file).expect("a link");
        }
        file
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A proxy, and what it says.
struct Proxy {
    _child: Child,
    output: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Proxy {
    fn start(config: &Path) -> Self {
        let mut child = command(&["serve", "--config", config.to_str().expect("UTF-8")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let output = BufReader::new(child.stdout.take().expect("standard output"));
        let log = BufReader::new(child.stderr.take().expect("the log"));
        Self {
            _child: child,
            output: output.lines(),
            log: log.lines(),
        }
    }

    async fn address(&mut self) -> String {
        let line = self.output.next_line().await.expect("standard output");
        let line = line.expect("a line");
        let (_, address) = line.split_once("http://").expect("an address");
        address.split(' ').next().expect("an address").to_owned()
    }

    /// Waits until the log says something.
    async fn said(&mut self, words: &str) -> String {
        loop {
            let line = self.log.next_line().await.expect("the log");
            let line = line.expect("a line");
            assert!(!line.contains("CANARY") && !line.contains(SECRET), "{line}");
            if line.contains(words) {
                return line;
            }
        }
    }
}

async fn status(request: http::request::Builder, body: &str) -> u16 {
    let request = request.body(Full::<Bytes>::from(body.to_owned()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.expect("a request")).await;
    response.expect("a response").status().as_u16()
}

/// Any server does as the upstream; the emulator answers 406 outside its API.
async fn with_token(gate: &str) -> u16 {
    let request = Request::get(format!("http://{gate}/"));
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    status(request, "").await
}

/// Whether a delivery is taken; one that came before has nothing left to be forgotten.
async fn is_taken(webhook: &str, secret: &str) -> bool {
    let body = "{\"action\":\"revoked\",\"sender\":{\"id\":1}}";
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let mac = mac.finalize().into_bytes();
    let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
    let delivery = Request::post(format!("http://{webhook}/"))
        .header("x-github-event", "github_app_authorization")
        .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .header("x-hub-signature-256", format!("sha256={hex}"));
    let status = status(delivery, body).await;
    assert!([200, 202, 401].contains(&status), "{status}");
    status != 401
}

#[tokio::test]
async fn secrets_that_are_replaced_are_in_force_without_a_start() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("secret-files");
    let app = directory.write("app", "1", "CANARYOLD\n");
    let next = directory.write("next", "1", "CANARYNEXT\n");
    let hook = directory.write("hook", "1", "CANARYHOOK\n");
    let config = directory.0.join("gatekeeper.toml");
    let toml = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret_file = {app:?}\nclient_secret_next_file = {next:?}\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n\
         [webhook]\nlisten = \"127.0.0.1:0\"\nsecret_file = {hook:?}\n"
    );
    std::fs::write(&config, toml).expect("a file");
    let mut proxy = Proxy::start(&config);
    let gate = proxy.address().await;
    let webhook = proxy.address().await;
    // Both secrets are refused, and the breaker is open for half a minute at least.
    proxy.said("cannot be asked yet").await;
    assert_eq!(with_token(&gate).await, 503);
    assert!(is_taken(&webhook, "CANARYHOOK").await);

    directory.write("hook", "2", "");
    proxy.said("webhook.secret_file: is empty").await;
    assert!(is_taken(&webhook, "CANARYHOOK").await);
    directory.write("hook", "3", "CANARYHOOK2");
    proxy
        .said("webhook.secret_file: the secret was read again")
        .await;
    assert!(!is_taken(&webhook, "CANARYHOOK").await);
    assert!(is_taken(&webhook, "CANARYHOOK2").await);

    directory.write("next", "2", SECRET);
    let said = proxy.said("the secret was read again").await;
    assert!(said.contains("client_secret_next_file of Iv1."), "{said}");
    assert_eq!(with_token(&gate).await, 406, "at once");
    directory.write("app", "2", SECRET);
    proxy.said("client_secret_file of Iv1.").await;
    assert_eq!(with_token(&gate).await, 406);
}

/// Whether a caller with this secret gets an answer, by Basic and as a bearer token.
async fn is_caller(decisions: &str, secret: &str) -> bool {
    let basic = BASE64_STANDARD.encode(format!("wiki:{secret}"));
    let mut answers = Vec::new();
    for proof in [format!("Bearer {secret}"), format!("Basic {basic}")] {
        let question = Request::post(format!("http://{decisions}/introspect"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", proof);
        answers.push(status(question, &format!("token={TOKEN}")).await);
    }
    assert!(matches!(*answers, [200, 200] | [401, 401]), "{answers:?}");
    answers == [200, 200]
}

#[tokio::test]
async fn a_callers_secret_that_is_replaced_is_in_force_without_a_start() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("caller-secrets");
    let secrets = ["0", "1", "2"].map(|n| format!("CANARYCALLER{}", n.repeat(32)));
    let file = directory.write("caller", "0", &format!("{}\n", secrets[0]));
    let config = directory.0.join("gatekeeper.toml");
    let toml = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"{SECRET}\"\n\
         [[routes]]\npath = \"/\"\n[decisions]\nlisten = \"127.0.0.1:0\"\n\
         [[decisions.callers]]\nid = \"wiki\"\nsecret_file = {file:?}\n"
    );
    std::fs::write(&config, toml).expect("a file");
    let mut proxy = Proxy::start(&config);
    proxy.address().await;
    let decisions = proxy.address().await;
    let key = "decisions.callers[0].secret_file";
    for (version, secret) in secrets.iter().enumerate() {
        if version > 0 {
            directory.write("caller", &version.to_string(), secret);
            proxy
                .said(&format!("{key}: the secret was read again"))
                .await;
        }
        for other in &secrets {
            assert_eq!(is_caller(&decisions, other).await, secret == other);
        }
    }
    // What could not be started with is not in force either.
    for (version, broken) in ["", "CANARYSHORT", "two words"].iter().enumerate() {
        directory.write("caller", &format!("broken{version}"), broken);
        proxy.said("the last secret stays in force").await;
        assert!(is_caller(&decisions, &secrets[2]).await);
        assert!(broken.len() != 11 || !is_caller(&decisions, broken).await);
    }
}

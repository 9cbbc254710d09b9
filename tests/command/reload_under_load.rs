//! Reloads while requests come in by every kind of connection: nobody notices.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::running::Running;

const TOKEN: &str = "Bearer e72e16c7e42f292c6912e7710c838347ae178b4a";
const SECRETS: [&str; 2] = [
    "0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
];

/// A gate by TLS, an emulator, a tool, and a folder with the gate's configuration.
struct Scene {
    folder: PathBuf,
    _emulator: Running,
    ghes: String,
    tool: SocketAddr,
    proxy: Running,
    gate: String,
    admin: String,
    certificates: [CertifiedKey<KeyPair>; 2],
}

impl Scene {
    async fn start(name: &str) -> Self {
        let name = format!("ghes-gatekeeper-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a directory");
        let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
        let ghes = emulator.address("emulator").await;
        let tool = tool().await;
        let certificates = [(), ()].map(|()| {
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
        });
        present(&certificates[0], &folder);
        fs::write(folder.join("admin"), SECRETS[0]).expect("a file");
        fs::write(folder.join("session"), SECRETS[0]).expect("a file");
        let toml = folder.join("serve.toml");
        fs::write(&toml, configuration(&folder, &ghes, tool, "", "", "")).expect("a file");
        let arguments = ["serve", "--config", toml.to_str().expect("UTF-8")];
        let mut proxy = Running::start_logging(&arguments, &folder.join("log"));
        let gate = proxy.line().await;
        let gate = gate.strip_prefix("listening on https://").expect("a line");
        let gate = gate.strip_suffix(" (gate)").expect("a line").to_owned();
        let admin = proxy.address("admin").await;
        Self {
            folder,
            _emulator: emulator,
            ghes,
            tool,
            proxy,
            gate,
            admin,
            certificates,
        }
    }

    fn write(&self, server: &str, more: &str, route: &str) {
        let text = configuration(&self.folder, &self.ghes, self.tool, server, more, route);
        fs::write(self.folder.join("serve.toml"), text).expect("a file");
    }

    async fn reload(&self, secret: &str) {
        let url = format!("http://{}/reload", self.admin);
        let request = Request::post(url).header(AUTHORIZATION, format!("Bearer {secret}"));
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.expect("a response");
        let (status, body) = (response.status(), response.into_body());
        let body = body.collect().await.expect("a body").to_bytes();
        assert_eq!(status, 200, "{body:?}");
    }

    /// How often GHES was asked about tokens.
    async fn checks(&self) -> u64 {
        let url = format!("http://{}/_emulator/requests", self.ghes);
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.get(url.parse().expect("a URL")).await;
        let body = response.expect("a response").into_body().collect().await;
        let counts: Value =
            serde_json::from_slice(&body.expect("a body").to_bytes()).expect("JSON");
        let counts = counts.as_object().expect("counts").values();
        counts.filter_map(Value::as_u64).sum()
    }

    /// Waits until new connections get a certificate.
    async fn presents(&self, which: usize) {
        let of_new = &self.certificates[which];
        let connector = super::certificate::connector(of_new);
        let renewed = async {
            loop {
                let name = "localhost".try_into().expect("a name");
                let stream = TcpStream::connect(&self.gate).await.expect("a connection");
                if connector.connect(name, stream).await.is_ok() {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(30), renewed).await.expect("it");
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        connect(&self.gate, &connector(&self.certificates, &[])).await
    }

    /// Asks without a token by a connection of its own, for a status and a challenge.
    async fn ask(&self, path: &str) -> (u16, String) {
        let stream = TokioIo::new(self.connect().await);
        let (mut sender, connection) = http1::handshake(stream).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        let request = Request::get(path).header(HOST, "localhost");
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let response = sender.send_request(request).await.expect("a response");
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.map_or("", |line| line.to_str().expect("text"));
        (response.status().as_u16(), challenge.to_owned())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn configuration(
    folder: &Path,
    ghes: &str,
    tool: SocketAddr,
    server: &str,
    more: &str,
    route: &str,
) -> String {
    let folder = folder.display();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n{server}\
         tls = {{ cert_file = \"{folder}/tls.crt\", key_file = \"{folder}/tls.key\" }}\n\
         [admin]\nsecret_file = \"{folder}/admin\"\n\
         [ghes]\nurl = \"http://{ghes}\"\n[[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{tool}\"\n{route}{more}"
    )
}

fn present(pair: &CertifiedKey<KeyPair>, folder: &Path) {
    fs::write(folder.join("tls.crt"), pair.cert.pem()).expect("a file");
    fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).expect("a file");
}

async fn tool() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let answer = service_fn(async |_: Request<Incoming>| {
                Ok::<_, hyper::Error>(Response::new(Full::<Bytes>::from("tool")))
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

/// A client that trusts both certificates.
fn connector(certificates: &[CertifiedKey<KeyPair>; 2], protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    for pair in certificates {
        roots.add(pair.cert.der().clone()).expect("a root");
    }
    let provider = rustls::crypto::ring::default_provider();
    let mut config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

async fn connect(gate: &str, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let name = "localhost".try_into().expect("a name");
    let stream = TcpStream::connect(gate).await.expect("a connection");
    connector.connect(name, stream).await.expect("TLS")
}

/// Requests that go on until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(scene: &Scene) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            answered: Arc::default(),
            clients: JoinSet::new(),
        };
        for _ in 0..2 {
            load.keep(scene);
            load.keep_http2(scene);
            load.connect_anew(scene);
        }
        load
    }

    fn request(version: http::Version) -> Request<Empty<Bytes>> {
        let uri = match version {
            http::Version::HTTP_2 => "https://localhost/page",
            _ => "/page",
        };
        let request = Request::get(uri).header(AUTHORIZATION, TOKEN);
        let request = match version {
            http::Version::HTTP_2 => request,
            _ => request.header(HOST, "localhost"),
        };
        request.body(Empty::new()).expect("a request")
    }

    async fn check(response: Response<Incoming>, answered: &AtomicU64) {
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.expect("a body");
        assert_eq!(body.to_bytes(), "tool");
        answered.fetch_add(1, Ordering::Relaxed);
    }

    /// One connection of HTTP/1.1, which has to last.
    fn keep(&mut self, scene: &Scene) {
        let (stop, answered) = (Arc::clone(&self.stop), Arc::clone(&self.answered));
        let (gate, connector) = (scene.gate.clone(), connector(&scene.certificates, &[]));
        self.clients.spawn(async move {
            let stream = TokioIo::new(connect(&gate, &connector).await);
            let (mut sender, connection) = http1::handshake(stream).await.expect("HTTP/1.1");
            tokio::spawn(connection);
            while !stop.load(Ordering::Relaxed) {
                sender.ready().await.expect("the connection");
                let response = sender
                    .send_request(Self::request(http::Version::HTTP_11))
                    .await;
                Self::check(response.expect("a response"), &answered).await;
            }
        });
    }

    /// One connection of HTTP/2, with four requests at once.
    fn keep_http2(&mut self, scene: &Scene) {
        let (stop, answered) = (Arc::clone(&self.stop), Arc::clone(&self.answered));
        let (gate, connector) = (scene.gate.clone(), connector(&scene.certificates, &[b"h2"]));
        self.clients.spawn(async move {
            let stream = TokioIo::new(connect(&gate, &connector).await);
            let handshake = http2::handshake(TokioExecutor::new(), stream).await;
            let (sender, connection) = handshake.expect("HTTP/2");
            tokio::spawn(connection);
            let one = || async {
                let mut sender = sender.clone();
                sender.ready().await.expect("the connection");
                let response = sender
                    .send_request(Self::request(http::Version::HTTP_2))
                    .await;
                Self::check(response.expect("a response"), &answered).await;
            };
            while !stop.load(Ordering::Relaxed) {
                tokio::join!(one(), one(), one(), one());
            }
        });
    }

    fn connect_anew(&mut self, scene: &Scene) {
        let (stop, answered) = (Arc::clone(&self.stop), Arc::clone(&self.answered));
        let (gate, connector) = (scene.gate.clone(), connector(&scene.certificates, &[]));
        self.clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let stream = TokioIo::new(connect(&gate, &connector).await);
                let (mut sender, connection) = http1::handshake(stream).await.expect("HTTP/1.1");
                tokio::spawn(connection);
                let response = sender
                    .send_request(Self::request(http::Version::HTTP_11))
                    .await;
                Self::check(response.expect("a response"), &answered).await;
            }
        });
    }

    /// Waits until so many more requests were answered.
    async fn answers(&self, more: u64) {
        let wanted = self.answered.load(Ordering::Relaxed) + more;
        let answered = async {
            while self.answered.load(Ordering::Relaxed) < wanted {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), answered)
            .await
            .expect("answers");
    }

    /// Stops, and fails if any request has.
    async fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.expect("a client without a failed request");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_reloads_of_every_kind_fail_no_request() {
    let scene = Scene::start("load").await;
    let load = Load::start(&scene);
    load.answers(100).await;
    let (checks, begin) = (scene.checks().await, Instant::now());
    let session = scene.folder.join("session");
    let session = format!(
        "[session]\nlogin_url = \"https://localhost\"\nkey_files = [\"{}\"]\n",
        session.display()
    );
    let tool = scene.tool;
    let further =
        format!("[[routes]]\npath = \"/new\"\nupstream = \"http://{tool}\"\nanonymous = true\n");
    for round in 0..4 {
        let [now, next] = [round % 2, (round + 1) % 2];
        // A route comes, which needs no token.
        scene.write("", &further, "");
        assert_eq!(scene.ask("/new").await.0, 401);
        scene.reload(SECRETS[now]).await;
        assert_eq!(scene.ask("/new").await.0, 200);
        // The name of the challenges, and who may enter.
        scene.write("realm = \"new\"\n", "", "users = [\"octocat\"]\n");
        scene.reload(SECRETS[now]).await;
        assert!(scene.ask("/").await.1.contains("realm=\"new\""));
        // Limits, timeouts, and another secret of operators, which is in force at once.
        fs::write(scene.folder.join("admin"), SECRETS[next]).expect("a file");
        let limits = "[server.limits]\nhead_fields = 50\n[server.timeouts]\nhead = \"9s\"\n";
        let limits = format!("{further}{limits}");
        scene.write(
            "trusted_proxies = [\"192.0.2.1\"]\n",
            &limits,
            "scopes = [\"user\"]\n",
        );
        scene.reload(SECRETS[now]).await;
        // The login, by a key that is another each time.
        fs::write(scene.folder.join("session"), SECRETS[next]).expect("a file");
        scene.write("", &session, "login = true\n");
        scene.reload(SECRETS[next]).await;
        // A hangup: everything as it was, and another certificate.
        present(&scene.certificates[next], &scene.folder);
        scene.write("", "", "");
        scene.proxy.signal("-HUP").await;
        scene.presents(next).await;
        load.answers(100).await;
    }
    let elapsed = begin.elapsed();
    let answered = load.end().await;
    eprintln!("{answered} requests in {elapsed:?}, and 20 reloads");
    // The token may have been renewed once.
    let more = scene.checks().await - checks;
    assert!(more <= 1, "{more} calls to GHES");
}

/// What a process has of memory, in KiB.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("a line").parse().expect("a number")
}

#[tokio::test]
async fn a_thousand_reloads_take_no_memory() {
    let scene = Scene::start("memory").await;
    let id = scene.proxy.id();
    let reload_often = async |times: usize| {
        for at in 0..times {
            let users = format!("users = [\"octocat\", \"user-{}\"]\n", at % 2);
            scene.write("", "", &users);
            scene.reload(SECRETS[0]).await;
        }
    };
    reload_often(200).await;
    let before = resident(id);
    reload_often(1_000).await;
    let after = resident(id);
    eprintln!("{before} KiB before, {after} KiB after 1,000 reloads");
    // A reload that kept its rules would keep 10 KiB or more each time.
    assert!(after < before + 2_048, "{before} KiB, {after} KiB");
}

//! A GHES that is reached by an HTTP proxy only, with tinyproxy as the proxy.

use std::fs;
use std::net::TcpListener as Bound;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_rustls::TlsAcceptor;

use super::running::{Running, command};

const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const PASSWORD: &str = "CANARY-proxy-password";
// printf gate:CANARY-proxy-password | base64
const BASIC: &str = "Z2F0ZTpDQU5BUlktcHJveHktcGFzc3dvcmQ=";

/// An address that is no loopback address by its form, and leads to this machine on Linux.
const HOST: &str = "0.0.0.0";

struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ghes-gatekeeper-proxy-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        Self(directory)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        fs::write(&file, text).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The emulator behind TLS.
struct Ghes {
    _emulator: Running,
    port: u16,
    ca: String,
}

impl Ghes {
    async fn start() -> Self {
        let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
        let plain = emulator.address("emulator").await;
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new([HOST.to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let acceptor = acceptor(certificate.der().clone(), &key);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, plain) = (acceptor.clone(), plain.clone());
                tokio::spawn(async move {
                    let mut outer = acceptor.accept(stream).await?;
                    let mut inner = TcpStream::connect(plain).await?;
                    copy_bidirectional(&mut outer, &mut inner).await
                });
            }
        });
        Self {
            _emulator: emulator,
            port,
            ca: certificate.pem(),
        }
    }

    /// A configuration with this line in `[ghes]`.
    fn config(&self, files: &Files, line: &str) -> String {
        let ca = files.write("ca.pem", &self.ca);
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [ghes]\nurl = \"https://{HOST}:{}\"\nca_file = '{ca}'\n{line}\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"{SECRET}\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n",
            self.port
        );
        files.write("gate.toml", &toml)
    }
}

fn acceptor(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = key.serialize_der().try_into().expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// tinyproxy on a port of its own, and what it logs of connections.
struct Tinyproxy {
    _child: Child,
    port: u16,
    log: PathBuf,
}

impl Tinyproxy {
    /// Starts it with these further lines; none where it is not installed.
    async fn start(files: &Files, lines: &str) -> Option<Self> {
        let port = free_port();
        let log = files.0.join("tinyproxy.log");
        let config = files.write(
            "tinyproxy.conf",
            &format!(
                "Port {port}\nListen 127.0.0.1\nTimeout 20\nLogLevel Connect\nLogFile \"{}\"\n\
                 MaxClients 20\nAllow 127.0.0.1\n{lines}\n",
                log.display()
            ),
        );
        let child = Command::new("tinyproxy")
            .args(["-d", "-c", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(child) = child else {
            skipped("tinyproxy is not installed");
            return None;
        };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        Some(Self {
            _child: child,
            port,
            log,
        })
    }

    /// How often it was asked to connect to GHES.
    fn connects(&self) -> usize {
        let log = fs::read_to_string(&self.log).expect("the log");
        log.matches("CONNECT 0.0.0.0:").count()
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let bound = Bound::bind("127.0.0.1:0").expect("a port");
    bound.local_addr().expect("an address").port()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "must not be skipped: {reason}"
    );
    eprintln!("skipped: {reason}");
}

fn with_environment(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = command(arguments);
    for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_lowercase());
    }
    command.envs(environment.iter().copied());
    command
}

/// What `serve` logs at the loudest level until it has told of GHES. Its metrics are looked at, too.
async fn self_check(config: &str, environment: &[(&str, &str)]) -> String {
    let arguments = ["--log", "trace", "serve", "--config", config];
    let mut serve = with_environment(&arguments, environment)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut output = BufReader::new(serve.stdout.take().expect("output")).lines();
    let admin = loop {
        let line = output.next_line().await.expect("output").expect("a line");
        let line = line.strip_suffix(" (admin)");
        if let Some(address) = line.and_then(|line| line.strip_prefix("listening on http://")) {
            break address.to_owned();
        }
    };
    let mut log = BufReader::new(serve.stderr.take().expect("a log")).lines();
    let mut told = String::new();
    loop {
        let line = log.next_line().await.expect("the log").expect("a line");
        told += &line;
        told.push('\n');
        if line.contains("and accepts the app's credentials") || line.contains("cannot be asked") {
            break;
        }
    }
    let metrics = metrics(&admin).await;
    assert!(metrics.contains("\nghes_gatekeeper_"), "{metrics}");
    serve.kill().await.expect("an end");
    assert_kept(&told);
    assert_kept(&metrics);
    told
}

async fn metrics(admin: &str) -> String {
    let mut stream = TcpStream::connect(admin).await.expect("a connection");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a server");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("an answer");
    answer
}

/// `check token`: all that it prints.
async fn check_token(config: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let arguments = ["check", "token", "--config", config];
    let mut check = with_environment(&arguments, environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut input = check.stdin.take().expect("an input");
    input.write_all(TOKEN.as_bytes()).await.expect("an input");
    drop(input);
    let output = check.wait_with_output().await.expect("an end");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8(told).expect("UTF-8");
    assert_kept(&told);
    (output.status.code(), told)
}

fn assert_kept(told: &str) {
    for secret in [PASSWORD, BASIC] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn ghes_is_asked_through_a_proxy_with_and_without_a_password() {
    let ghes = Ghes::start().await;
    for (lines, user) in [
        ("", String::new()),
        ("", "any:thing@".to_owned()),
        (
            &*format!("BasicAuth gate {PASSWORD}"),
            format!("gate:{PASSWORD}@"),
        ),
    ] {
        let files = Files::new();
        let Some(proxy) = Tinyproxy::start(&files, lines).await else {
            return;
        };
        let url = format!("http://{user}127.0.0.1:{}", proxy.port);
        let config = ghes.config(&files, &format!("proxy = \"{url}\""));
        let told = self_check(&config, &[]).await;
        assert!(
            told.contains("answers, and accepts the app's credentials"),
            "{told}"
        );
        assert_eq!(proxy.connects(), 1);
        let (code, told) = check_token(&config, &[]).await;
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(proxy.connects(), 2);
        // From a file, as secrets may come.
        let file = files.write("proxy", &format!("{url}\n"));
        let config = ghes.config(&files, &format!("proxy_file = '{file}'"));
        assert_eq!(check_token(&config, &[]).await.0, Some(0));
        assert_eq!(proxy.connects(), 3);
    }
}

#[tokio::test]
async fn the_environment_names_the_proxy_as_for_curl() {
    let ghes = Ghes::start().await;
    let files = Files::new();
    let lines = format!("BasicAuth gate {PASSWORD}");
    let Some(proxy) = Tinyproxy::start(&files, &lines).await else {
        return;
    };
    let config = ghes.config(&files, "");
    let url = &*format!("http://gate:{PASSWORD}@127.0.0.1:{}", proxy.port);
    let schemeless = url.trim_start_matches("http://");
    let elsewhere = "http://127.0.0.1:1";
    for (environment, connects) in [
        (&[("HTTPS_PROXY", url)][..], 1),
        (&[("https_proxy", url), ("HTTPS_PROXY", elsewhere)], 1),
        (&[("ALL_PROXY", schemeless)], 1),
        (
            &[("HTTPS_PROXY", url), ("NO_PROXY", "example.com,10.0.0.0/8")],
            1,
        ),
        (&[("HTTPS_PROXY", url), ("NO_PROXY", "0.0.0.0:1")], 1),
        (&[("HTTPS_PROXY", url), ("NO_PROXY", "0.0.0.0")], 0),
        (&[("HTTPS_PROXY", url), ("no_proxy", "0.0.0.0/8")], 0),
        (&[("ALL_PROXY", elsewhere), ("NO_PROXY", "*")], 0),
        (&[("HTTP_PROXY", elsewhere)], 0),
        (&[], 0),
    ] {
        let before = proxy.connects();
        let (code, told) = check_token(&config, environment).await;
        assert_eq!(code, Some(0), "{environment:?}: {told}");
        assert_eq!(proxy.connects() - before, connects, "{environment:?}");
    }
    let told = self_check(&config, &[("HTTPS_PROXY", url)]).await;
    assert!(
        told.contains("answers, and accepts the app's credentials"),
        "{told}"
    );

    // The configuration wins, both ways.
    let none = ghes.config(&files, "proxy = \"none\"");
    assert_eq!(
        check_token(&none, &[("HTTPS_PROXY", elsewhere)]).await.0,
        Some(0)
    );
    let named = ghes.config(&files, &format!("proxy = \"{url}\""));
    let environment = [("HTTPS_PROXY", elsewhere), ("NO_PROXY", "*")];
    let before = proxy.connects();
    assert_eq!(check_token(&named, &environment).await.0, Some(0));
    assert_eq!(proxy.connects() - before, 1);
}

#[tokio::test]
async fn a_proxy_that_does_not_let_us_through_is_told_of_once_and_clearly() {
    let ghes = Ghes::start().await;
    let files = Files::new();
    let lines = format!("BasicAuth gate {PASSWORD}");
    let Some(proxy) = Tinyproxy::start(&files, &lines).await else {
        return;
    };
    let port = proxy.port;
    let away = format!("the proxy http://127.0.0.1:{}", free_port());
    let here = format!("the proxy http://127.0.0.1:{port}");
    let none = away.trim_start_matches("the proxy http://");
    for (authority, named, told, calls) in [
        (
            format!("gate:{PASSWORD}-wrong@127.0.0.1:{port}"),
            &here,
            "401 Unauthorized",
            1,
        ),
        (
            format!("root:{PASSWORD}@127.0.0.1:{port}"),
            &here,
            "401 Unauthorized",
            1,
        ),
        (
            format!("127.0.0.1:{port}"),
            &here,
            "407 Proxy Authentication Required",
            1,
        ),
        (
            format!("gate:{PASSWORD}@{none}"),
            &away,
            "no connection to",
            0,
        ),
    ] {
        let config = ghes.config(&files, &format!("proxy = \"http://{authority}\""));
        let before = proxy.connects();
        let log = self_check(&config, &[]).await;
        let line = log.lines().last().expect("a line");
        assert!(line.contains(&**named) && line.contains(told), "{line}");
        let cure = "check the user name and password of ghes.proxy";
        assert_eq!(line.contains(cure), calls == 1, "{line}");
        assert_eq!(proxy.connects() - before, calls, "{line}");
        let (code, output) = check_token(&config, &[]).await;
        assert_eq!(code, Some(3), "{output}");
        assert!(
            output.contains(&**named) && output.contains(told),
            "{output}"
        );
    }
}

#[tokio::test]
async fn a_ghes_that_the_proxy_cannot_reach_is_told_of() {
    let ghes = Ghes::start().await;
    for (lines, told) in [
        ("ConnectPort 1", "403 Forbidden to CONNECT"),
        ("", "500 Internal Server Error to CONNECT"),
    ] {
        let files = Files::new();
        let Some(proxy) = Tinyproxy::start(&files, lines).await else {
            return;
        };
        let line = format!("proxy = \"http://127.0.0.1:{}\"", proxy.port);
        let mut config = ghes.config(&files, &line);
        if lines.is_empty() {
            let toml = fs::read_to_string(&config).expect("the configuration");
            let gone = toml.replace(&format!(":{}\"", ghes.port), &format!(":{}\"", free_port()));
            config = files.write("gone.toml", &gone);
        }
        let log = self_check(&config, &[]).await;
        assert!(log.lines().last().expect("a line").contains(told), "{log}");
        let (code, output) = check_token(&config, &[]).await;
        assert_eq!(code, Some(3), "{output}");
    }
}

#[tokio::test]
async fn the_password_is_printed_nowhere() {
    let ghes = Ghes::start().await;
    let files = Files::new();
    let proxied = format!("http://gate:{PASSWORD}@127.0.0.1:1");
    let named = ghes.config(&files, &format!("proxy = \"{proxied}\""));
    let environment = [("HTTPS_PROXY", proxied.as_str())];
    let check_config = ["check", "config", "--config", &named];
    let output = with_environment(&check_config, &[])
        .output()
        .await
        .expect("the command");
    let shown = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert!(
        shown.contains("proxy = \"http://[redacted]@127.0.0.1:1\""),
        "{shown}"
    );
    assert_kept(&shown);

    let absent = ghes.config(&files, "");
    let check_config = ["check", "config", "--config", &absent];
    for (environment, line) in [
        (
            &environment[..],
            "proxy = \"http://[redacted]@127.0.0.1:1\"",
        ),
        (
            &[("ALL_PROXY", "127.0.0.1:2")],
            "proxy = \"http://127.0.0.1:2\"",
        ),
        (&[], "proxy = \"none\""),
    ] {
        let output = with_environment(&check_config, environment).output();
        let output = output.await.expect("the command");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        assert!(shown.contains(line), "{shown}");
        assert_kept(&shown);
    }
    for bad in [
        format!("socks5://gate:{PASSWORD}@127.0.0.1:1"),
        format!("http://gate:{PASSWORD}@"),
        format!("http://gate:{PASSWORD}/@127.0.0.1:1"),
        format!("http://gate:{PASSWORD}@127.0.0.1:1/path"),
    ] {
        // One file for both configurations.
        ghes.config(&files, "");
        let output = with_environment(&check_config, &[("HTTPS_PROXY", &bad)]).output();
        let output = output.await.expect("the command");
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(
            told.contains("ghes.proxy: absent, and the environment's HTTPS_PROXY: "),
            "{told}"
        );
        assert!(told.contains("write \"none\""), "{told}");
        assert_kept(&told);
        let config = ghes.config(&files, &format!("proxy = \"{bad}\""));
        let arguments = ["check", "config", "--config", &config];
        let output = with_environment(&arguments, &[])
            .output()
            .await
            .expect("the command");
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(told.contains("ghes.proxy: "), "{told}");
        assert_kept(&told);
    }
}

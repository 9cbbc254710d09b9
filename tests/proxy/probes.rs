//! The listener for probes, and when it says that a gate is ready.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::proxy::{Listener, Proxy, serve};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::TOKEN;
use super::carrier::certificate;
use super::support::{Client, Gate, Upstream, body, proxy_of, route, status};
use super::tls::Directory;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[tokio::test]
async fn probes_look_and_do_nothing_else() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    for (path, contains) in [
        ("/healthz", ""),
        ("/ping", ""),
        ("/readyz", "{\"ready\":true,\"reasons\":[]}"),
        ("/ready", "{\"ready\":true,\"reasons\":[]}"),
        ("/metrics", "ghes_gatekeeper_requests_total"),
    ] {
        let answer = gate.probes().await.exchange(&get(path)).await;
        assert_eq!(status(&answer), 200, "{path}: {answer}");
        assert!(answer.contains(contains), "{path}: {answer}");
    }
    assert_eq!(gate.status_for(TOKEN).await, 200);
    let json = "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"all\":true}";
    for request in [
        format!("POST /purge HTTP/1.1\r\nHost: localhost\r\n{json}"),
        format!("POST /purge HTTP/1.0\r\n{json}"),
        get("/purge"),
        get("/purge/"),
        get("/.well-known/jwks.json"),
        get("/"),
        get("/reload"),
    ] {
        let answer = gate.probes().await.exchange(&request).await;
        assert_eq!(status(&answer), 404, "{request}: {answer}");
        assert!(!answer.contains("/purge"), "{answer}");
    }
    assert!(gate.ghes.revoke(TOKEN));
    assert_eq!(gate.status_for(TOKEN).await, 200, "nothing was forgotten");
    for (method, path) in [
        ("POST", "/metrics"),
        ("DELETE", "/readyz"),
        ("PUT", "/ping"),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let answer = gate.probes().await.exchange(&request).await;
        assert_eq!(status(&answer), 405, "{answer}");
    }
}

/// Monitors ask so, and kubelets by an address.
#[tokio::test]
async fn probes_need_no_host() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    for request in [
        "GET /readyz HTTP/1.0\r\n\r\n",
        "HEAD /healthz HTTP/1.0\r\n\r\n",
        "GET /readyz HTTP/1.1\r\nHost: 10.1.2.3:9902\r\n\r\n",
    ] {
        let answer = gate.probes().await.exchange(request).await;
        assert_eq!(status(&answer), 200, "{request}");
    }
    // On loopback, no page may read it under a name of its own.
    let answer = gate.probes().await;
    let answer = { answer }
        .exchange("GET /metrics HTTP/1.1\r\nHost: evil\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 421);
}

/// Those who send clients are told first, and clients that still come are served.
#[tokio::test]
async fn a_gate_that_is_about_to_stop_says_so_and_goes_on() {
    let upstream = Upstream::start().await;
    let (proxy, _ghes) = proxy_of(&route("/", upstream.address, ""));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(proxy.clone().serve(listener, pending()));
    for look in [Look::Admin, Look::Probes] {
        let (code, _) = look.readiness(&proxy).await;
        assert_eq!(code, 200);
    }
    proxy.begin_shutdown();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    for look in [Look::Admin, Look::Probes] {
        let not_accepting = (
            503,
            "{\"ready\":false,\"reasons\":[\"not_accepting\"]}".to_owned(),
        );
        assert_eq!(look.readiness(&proxy).await, not_accepting);
        let answer = Client::to(address).await.exchange(&request).await;
        assert_eq!(status(&answer), 200, "clients are served");
    }
}

#[derive(Clone, Copy)]
enum Look {
    Admin,
    Probes,
}

impl Look {
    async fn readiness(self, proxy: &Proxy) -> (u16, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        match self {
            Self::Admin => tokio::spawn(proxy.admin().serve(listener, pending())),
            Self::Probes => tokio::spawn(proxy.probes().serve(listener, pending())),
        };
        let answer = Client::to(address).await.exchange(&get("/readyz")).await;
        (status(&answer), body(&answer).to_owned())
    }
}

/// A GHES, or what stands in its place.
#[derive(Clone, Copy, Debug)]
enum Server {
    Works,
    /// Nobody listens there.
    IsDown,
    Fails,
    /// Its certificate is of an authority that the gate does not know.
    HasAnotherAuthority,
    /// It is some web server's front page.
    IsAPage,
    Redirects,
    RefusesTheSecret,
}

impl Server {
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        match self {
            Self::Works | Self::RefusesTheSecret => emulate(listener),
            Self::IsDown => drop(listener),
            Self::Fails => answer(
                listener,
                "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
            ),
            Self::IsAPage => answer(
                listener,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
            ),
            Self::Redirects => answer(
                listener,
                "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n",
            ),
            Self::HasAnotherAuthority => {
                let directory = Directory::new();
                directory.write(certificate());
                let listener = Listener::from(listener).with_tls(directory.tls());
                emulate(listener);
                return format!("https://localhost:{}", address.port());
            }
        }
        format!("http://{address}")
    }

    fn secret(self) -> &'static str {
        match self {
            Self::RefusesTheSecret => "wrong",
            _ => "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
        }
    }
}

fn emulate(listener: impl Into<Listener> + Send + 'static) {
    let service = TowerToHyperService::new(Emulator::default());
    let listener = listener.into();
    tokio::spawn(serve(listener, move |_| service.clone(), pending()));
}

fn answer(listener: TcpListener, answer: &'static str) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while super::support::read_message(&mut stream).await.is_some() {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
}

/// A gate whose routes take the tokens of these servers.
async fn proxy_before(servers: &[Server], upstream: SocketAddr) -> Proxy {
    let mut toml = String::new();
    for (at, server) in servers.iter().enumerate() {
        let (url, secret) = (server.start().await, server.secret());
        toml += &format!(
            "[[ghes]]\nname = \"s{at}\"\nurl = \"{url}\"\n[[ghes.apps]]\n\
             client_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"{secret}\"\n\
             [[routes]]\npath = \"/{at}\"\nghes = \"s{at}\"\nupstream = \"http://{upstream}\"\n"
        );
    }
    let config = Config::parse(&toml, []).expect("a configuration");
    let proxy = Proxy::new(&config).expect("a proxy");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    tokio::spawn(proxy.clone().serve(listener, pending()));
    proxy
}

async fn ask_all(proxy: &Proxy) {
    for app in proxy.apps() {
        let _ = app.ask().await;
    }
}

#[tokio::test]
async fn a_gate_is_ready_once_ghes_has_answered() {
    use Server::{Fails, HasAnotherAuthority, IsAPage, IsDown, Redirects, RefusesTheSecret, Works};
    let ready = (200, "{\"ready\":true,\"reasons\":[]}".to_owned());
    let not = |reason: &str| {
        (
            503,
            format!("{{\"ready\":false,\"reasons\":[\"{reason}\"]}}"),
        )
    };
    let unanswered = not("ghes_not_answered");
    let upstream = Upstream::start().await;
    for (servers, expected) in [
        (&[Works][..], &ready),
        (&[IsDown], &unanswered),
        (&[Fails], &unanswered),
        (&[HasAnotherAuthority], &unanswered),
        (&[IsAPage], &unanswered),
        (&[Redirects], &unanswered),
        (&[RefusesTheSecret], &not("credentials_refused")),
        // One server's outage keeps nobody out of what belongs to another.
        (&[Works, IsDown], &ready),
        (&[Fails, Works], &ready),
        (&[Works, Works], &ready),
        (&[Works, RefusesTheSecret], &ready),
        // What is wrong in the configuration must not replace gates that work.
        (&[Works, HasAnotherAuthority], &unanswered),
        (&[IsAPage, Works], &unanswered),
        (&[IsDown, IsDown], &unanswered),
    ] {
        let proxy = proxy_before(servers, upstream.address).await;
        let before = Look::Probes.readiness(&proxy).await;
        assert_eq!(before, unanswered, "{servers:?}: nobody was asked");
        ask_all(&proxy).await;
        for look in [Look::Admin, Look::Probes] {
            assert_eq!(&look.readiness(&proxy).await, expected, "{servers:?}");
        }
    }
}

/// A client's question is as good as the gate's own.
#[tokio::test]
async fn the_first_client_makes_a_gate_ready_as_well() {
    let upstream = Upstream::start().await;
    let proxy = proxy_before(&[Server::Works], upstream.address).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(proxy.clone().serve(listener, pending()));
    assert_eq!(Look::Probes.readiness(&proxy).await.0, 503);
    let request = format!("GET /0 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(
        status(&Client::to(address).await.exchange(&request).await),
        200
    );
    assert_eq!(Look::Probes.readiness(&proxy).await.0, 200);
}

/// Nobody needs GHES there, and a second server that no route names is never asked.
#[tokio::test]
async fn a_server_that_nobody_needs_is_not_waited_for() {
    let upstream = Upstream::start().await;
    let apps = "[[ghes.apps]]\nclient_id = \"a\"\nclient_secret = \"b\"\n";
    let open = "path = \"/open\"\nanonymous = true\n";
    let upstream = upstream.address;
    for toml in [
        format!(
            "[ghes]\nurl = \"http://127.0.0.1:1\"\n{apps}[[routes]]\n{open}\
             upstream = \"http://{upstream}\"\n"
        ),
        format!(
            "[[ghes]]\nname = \"a\"\nurl = \"http://127.0.0.1:1\"\n{apps}\
             [[ghes]]\nname = \"b\"\nurl = \"http://127.0.0.1:2\"\n{apps}[[routes]]\n{open}\
             upstream = \"http://{upstream}\"\n"
        ),
    ] {
        let config = Config::parse(&toml, []).expect("a configuration");
        let proxy = Arc::new(Proxy::new(&config).expect("a proxy"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        tokio::spawn(Proxy::clone(&proxy).serve(listener, pending()));
        assert_eq!(Look::Probes.readiness(&proxy).await.0, 200);
    }
}

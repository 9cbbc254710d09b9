//! A proxy, an upstream that keeps what it gets, and a client that sends what it is told.

use std::future::pending;
use std::net::SocketAddr;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::{Emulator, Operation};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::proxy::{Listener, Proxy, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tower::util::BoxCloneSyncService;

/// A running proxy in front of an emulated GHES.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) ghes: Emulator,
    pub(crate) proxy: Proxy,
    shutdown: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Gate {
    /// Starts a proxy with these routes, given as TOML.
    pub(crate) async fn start(routes: &str) -> Self {
        Self::start_with(routes, None).await
    }

    /// The same, over TLS if there is a certificate.
    pub(crate) async fn start_with(routes: &str, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::start_both(listener, routes, tls)
    }

    /// Starts a proxy with these routes on an address that one of them may name.
    pub(crate) fn start_on(listener: TcpListener, routes: &str) -> Self {
        Self::start_both(listener, routes, None)
    }

    fn start_both(listener: TcpListener, routes: &str, tls: Option<Tls>) -> Self {
        let (proxy, ghes) = proxy_of(routes);
        let address = listener.local_addr().expect("an address");
        let listener = match tls {
            Some(tls) => Listener::from(listener).with_tls(tls),
            None => listener.into(),
        };
        let (shutdown, ordered) = oneshot::channel::<()>();
        let server = tokio::spawn(proxy.clone().serve(listener, async {
            // A test that ends without the order drops the sender, which is one as well.
            let _ = ordered.await;
        }));
        Self {
            address,
            ghes,
            proxy,
            shutdown: Some(shutdown),
            server,
        }
    }

    /// Starts a proxy whose only route leads to `upstream`.
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        Self::start(&route("/", upstream, "")).await
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::to(self.address).await
    }

    /// Starts the admin listener, and connects to it.
    pub(crate) async fn admin(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(self.proxy.admin().serve(listener, pending()));
        Client::to(address).await
    }

    /// Starts the listener for probes, and connects to it.
    pub(crate) async fn probes(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(self.proxy.probes().serve(listener, pending()));
        Client::to(address).await
    }

    /// Starts the webhook listener, and connects to it.
    pub(crate) async fn webhook(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let webhook = self.proxy.webhook().expect("a configured webhook");
        tokio::spawn(webhook.serve(listener, pending()));
        Client::to(address).await
    }

    /// Starts the listener for other people's proxies, and connects to it.
    pub(crate) async fn decisions(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(self.proxy.decisions().serve(listener, pending()));
        Client::to(address).await
    }

    /// The status of a request with this token.
    pub(crate) async fn status_for(&self, token: &str) -> u16 {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        status(&self.connect().await.exchange(&request).await)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.ghes.calls(Operation::CheckToken)
    }

    /// Gives the order to stop.
    pub(crate) fn stop(&mut self) {
        self.shutdown
            .take()
            .expect("the first order")
            .send(())
            .expect("a server");
    }

    /// Waits until the server has ended, and passes on its panic.
    pub(crate) async fn ended(self) {
        self.server.await.expect("no panic");
    }
}

/// A proxy with these routes, which nobody is served by yet, and its GHES.
pub(crate) fn proxy_of(routes: &str) -> (Proxy, Emulator) {
    let ghes = Emulator::default();
    let client = client(&ghes);
    let check = BoxCloneSyncService::new(client.clone());
    let memberships = BoxCloneSyncService::new(client);
    let proxy = Proxy::with_check_and_memberships(&config(routes), check, memberships);
    (proxy, ghes)
}

/// What GHES signs its deliveries with.
pub(crate) const WEBHOOK_SECRET: &str = "CANARYWEBHOOKSECRET";

/// A `[[routes]]` table.
pub(crate) fn route(path: &str, upstream: SocketAddr, more: &str) -> String {
    format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://{upstream}\"\n{more}\n")
}

fn config(routes: &str) -> Config {
    let toml = format!(
        r#"
        [ghes]
        url = "http://127.0.0.1:1"
        [[ghes.apps]]
        client_id = "Iv1.8a61f9b3a7aba766"
        client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
        [webhook]
        listen = "127.0.0.1:0"
        secret = "{WEBHOOK_SECRET}"
        {routes}
        "#
    );
    Config::parse(&toml, []).expect("a configuration")
}

fn client(ghes: &Emulator) -> GhesClient<Emulator> {
    let url = "http://ghes.test".parse().expect("a URL");
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    GhesClient::new(&url, &app, ghes.clone()).expect("an app")
}

/// An upstream that keeps the bytes of each connection and answers each with the same bytes.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Upstream {
    /// Answers every request with 200 and `hello`.
    pub(crate) async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await
    }

    pub(crate) async fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    // The test may have ended by the time a request comes.
                    while let Some(request) = read_message(&mut stream).await {
                        let _ = sender.send(request);
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// The next request, as it was on the wire.
    pub(crate) async fn request(&mut self) -> String {
        let request = tokio::time::timeout(PATIENCE, self.requests.recv());
        request.await.expect("in time").expect("a request")
    }

    /// Fails if there was a request that nobody asked for.
    pub(crate) fn assert_untouched(&mut self) {
        assert_eq!(self.requests.try_recv().ok(), None);
    }
}

/// Ends a test that would otherwise wait for ever for what does not come.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Writes what it is told, and reads what comes.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await;
        Self(stream.expect("a connection"))
    }

    pub(crate) async fn send(&mut self, request: &str) {
        self.0
            .write_all(request.as_bytes())
            .await
            .expect("a connection");
    }

    /// All that comes until the connection is closed.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = String::new();
        let read = self.0.read_to_string(&mut rest).await;
        read.expect("a connection");
        rest
    }

    /// The next response; empty if the connection was closed instead.
    pub(crate) async fn response(&mut self) -> String {
        read_message(&mut self.0).await.unwrap_or_default()
    }

    /// The same as [`exchange`](Self::exchange), and empty if the request could not be sent.
    pub(crate) async fn try_exchange(&mut self, request: &str) -> String {
        match self.0.write_all(request.as_bytes()).await {
            Ok(()) => self.response().await,
            Err(_) => String::new(),
        }
    }

    pub(crate) async fn exchange(&mut self, request: &str) -> String {
        self.send(request).await;
        self.response().await
    }
}

/// Reads one message with its body, told by length or chunks; none at the end of the stream.
pub(crate) async fn read_message(stream: &mut TcpStream) -> Option<String> {
    let mut message = Vec::new();
    while !is_complete(&message) {
        if stream.read_buf(&mut message).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8(message).expect("UTF-8"))
}

fn is_complete(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    if value("transfer-encoding").is_some() {
        return body.ends_with("0\r\n\r\n");
    }
    let length = value("content-length").map_or(0, |length| length.parse().expect("a number"));
    body.len() >= length
}

/// The status of a response.
pub(crate) fn status(response: &str) -> u16 {
    let status = response.split(' ').nth(1).unwrap_or_default();
    status
        .parse()
        .unwrap_or_else(|_| panic!("no response: {response:?}"))
}

/// The body of a message.
pub(crate) fn body(message: &str) -> &str {
    let (_, body) = message.split_once("\r\n\r\n").expect("a head");
    body
}

/// The header lines of a message, sorted, without its first line.
pub(crate) fn headers(message: &str) -> Vec<&str> {
    let (head, _) = message.split_once("\r\n\r\n").expect("a head");
    let mut lines: Vec<&str> = head.lines().skip(1).collect();
    lines.sort_unstable();
    lines
}

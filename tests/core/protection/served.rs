//! The proxy as it is served, in front of an emulated GHES that is odd for one person: over
//! HTTP/1.1 and HTTP/2, with real connections and real time.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::{Emulator, Fault, Operation};
use ghes_gatekeeper::proxy::Proxy;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{Empty, Full};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::ServiceExt;

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// A gate with a route for everybody and one for members of `octo-org`.
struct Served {
    ghes: Emulator,
    gate: SocketAddr,
    client: Client<HttpConnector, Empty<Bytes>>,
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Serves GHES, or a tool.
async fn serve<F, E>(
    answer: impl Fn(Request<hyper::body::Incoming>) -> F + Clone + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(answer.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A fault may end it.
            tokio::spawn(async move { connection.await.ok() });
        }
    });
    address
}

impl Served {
    async fn start(version: Version) -> Self {
        let ghes = Emulator::default();
        let emulator = ghes.clone();
        let ghes_at = serve(move |request| emulator.clone().oneshot(request)).await;
        let tool = serve(async |_| Ok::<_, Infallible>(Response::new(Full::default()))).await;
        let toml = format!(
            "[server]\nh2c = true\n[ghes]\nurl = \"http://{ghes_at}\"\n\
             [[ghes.apps]]\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://{tool}\"\n\
             [[routes]]\npath = \"/members\"\nupstream = \"http://{tool}\"\norgs = [\"octo-org\"]\n"
        );
        let config = Config::parse(&toml, []).expect("a configuration");
        let proxy = Proxy::new(&config).expect("a proxy");
        let (listener, gate) = listener().await;
        tokio::spawn(proxy.serve(listener, pending()));
        let client = Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http();
        Self { ghes, gate, client }
    }

    async fn status(&self, path: &str, token: &str) -> StatusCode {
        let request = Request::get(format!("http://{}{path}", self.gate))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::new())
            .expect("a request");
        let response = self.client.request(request).await;
        response.expect("a response").status()
    }

    fn token_of(&self, login: &str) -> String {
        let token = self.ghes.mint(CLIENT_ID, login, &[], None);
        token.expect("a token")
    }

    fn calls(&self) -> u64 {
        self.ghes.calls(Operation::CheckToken)
            + self.ghes.calls(Operation::GetOrganizationMembership)
    }
}

/// What may come of all calls for one person.
fn faults() -> [Fault; 6] {
    let status = |status| Fault::status(StatusCode::from_u16(status).expect("a status"));
    [
        status(500),
        status(502).with_body("<html>Whoops</html>"),
        status(404).with_body("<html>no such host</html>"),
        status(200).with_body("<html>Log in</html>"),
        status(200).with_body("{}"),
        Fault::dropped(),
    ]
}

/// Octocat's client asks thirty times as fast as it can, and each time another one comes.
async fn nobody_else_is_turned_away(path: &str, version: Version) {
    for fault in faults() {
        let shown = format!("{version:?} {path} {fault:?}");
        let served = Served::start(version).await;
        let odd = served.token_of("octocat");
        // The token is good; what is asked from now on is odd.
        if path == "/members" {
            assert_eq!(served.status("/", &odd).await, 200);
        }
        served.ghes.fail(fault.times(u64::MAX).for_user("octocat"));
        let (began_at, before) = (Instant::now(), served.calls());
        let mut others = 0;
        for _ in 0..30 {
            assert_eq!(served.status(path, &odd).await, 503, "{shown}");
            let other = served.token_of("hubot");
            assert_eq!(served.status(path, &other).await, 200, "{shown}");
            others += if path == "/members" { 2 } else { 1 };
        }
        // One that was not received is sent once more.
        let attempts = 2 * (1 + began_at.elapsed().as_secs());
        let about_odd = served.calls() - before - others;
        assert!(about_odd <= attempts, "{shown}: {about_odd}");

        served.ghes.clear_faults();
        let cured = async {
            while served.status(path, &odd).await != 200 {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, cured).await.expect("let in");
    }
}

#[tokio::test]
async fn one_odd_token_is_nobody_elses_outage_over_http1() {
    nobody_else_is_turned_away("/", Version::HTTP_11).await;
}

#[tokio::test]
async fn one_odd_token_is_nobody_elses_outage_over_http2() {
    nobody_else_is_turned_away("/", Version::HTTP_2).await;
}

#[tokio::test]
async fn one_odd_membership_is_nobody_elses_outage_over_http1() {
    nobody_else_is_turned_away("/members", Version::HTTP_11).await;
}

#[tokio::test]
async fn one_odd_membership_is_nobody_elses_outage_over_http2() {
    nobody_else_is_turned_away("/members", Version::HTTP_2).await;
}

/// With a timeout of seconds for one, others are served meanwhile.
#[tokio::test]
async fn one_token_that_is_never_answered_is_nobody_elses_outage() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let served = Served::start(version).await;
        let odd = served.token_of("octocat");
        let late = Fault::slow(Duration::from_secs(60)).times(u64::MAX);
        served.ghes.fail(late.for_token(&*odd));
        let (waiting, ()) = tokio::join!(served.status("/", &odd), async {
            for _ in 0..10 {
                let other = served.token_of("octocat");
                assert_eq!(served.status("/", &other).await, 200, "{version:?}");
            }
        });
        assert_eq!(waiting, 503);
        // The same at once now: a call would take 3 s.
        let held = tokio::time::timeout(Duration::from_secs(2), served.status("/", &odd));
        assert_eq!(held.await.expect("at once"), 503);
    }
}

/// All alike: the fifth person finds out, and the sixth is not asked about.
#[tokio::test]
async fn an_outage_of_all_is_one_over_both_protocols() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let served = Served::start(version).await;
        let down = Fault::status(StatusCode::INTERNAL_SERVER_ERROR);
        served.ghes.fail(down.times(u64::MAX));
        let began_at = Instant::now();
        for _ in 0..20 {
            let token = served.token_of("hubot");
            assert_eq!(served.status("/", &token).await, 503);
        }
        // Five, and two probes a second.
        let most = 5 + 2 * (1 + began_at.elapsed().as_secs());
        let calls = served.calls();
        assert!((5..=most).contains(&calls), "{calls}");
        served.ghes.clear_faults();
        let back = async {
            while served.status("/", &served.token_of("hubot")).await != 200 {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, back).await.expect("let in");
    }
}

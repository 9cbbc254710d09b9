//! The cookies of browsers: nothing but what was sealed here opens a session, and no tool sees what
//! is ours.

use std::convert::Infallible;
use std::sync::{LazyLock, Mutex};

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesUrl};
use ghes_gatekeeper::session::{SessionLayer, SessionOptions};
use ghes_gatekeeper::validator::Validator;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Checks the promises for one input: a line of cookies, and flips of a good one.
pub(crate) fn check(data: &[u8]) {
    let site = SITE.lock().expect("no panic before");
    if let Ok(line) = HeaderValue::from_bytes(data) {
        let has_session = data
            .windows(site.session.len())
            .any(|part| part == site.session.as_bytes());
        assert!(has_session || site.status(&line, None) == 401, "{line:?}");
        // With a token, whatever stands beside it gets to the tool, but for what is ours.
        assert_eq!(site.status(&line, Some(TOKEN)), 200, "{line:?}");
    }
    let mut flipped = site.session.clone().into_bytes();
    let length = flipped.len();
    for pair in data.chunks_exact(2) {
        flipped[usize::from(pair[0]) % length] ^= pair[1];
    }
    if let Ok(line) = HeaderValue::from_bytes(&flipped) {
        let is_good = flipped == site.session.as_bytes();
        assert!(is_good || site.status(&line, None) == 401, "{line:?}");
    }
}

/// From GitHub's documents.
const TOKEN: &str = "Bearer e72e16c7e42f292c6912e7710c838347ae178b4a";

const NAME: &str = "tool.example.com";

type Gate = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// An app with a login, and the cookie of somebody who is logged in.
struct Site {
    runtime: Runtime,
    gate: Gate,
    session: String,
}

static SITE: LazyLock<Mutex<Site>> = LazyLock::new(|| Mutex::new(Site::new()));

impl Site {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let ghes = Emulator::default();
        let gate = gate(&ghes);
        let session = runtime.block_on(log_in(&gate, &ghes));
        let site = Self {
            runtime,
            gate,
            session,
        };
        let line = HeaderValue::from_str(&site.session).expect("a cookie");
        assert_eq!(site.status(&line, None), 200, "the cookie is good");
        site
    }

    fn status(&self, cookies: &HeaderValue, token: Option<&'static str>) -> u16 {
        let mut request = Request::get("/page")
            .header(HOST, NAME)
            .header(COOKIE, cookies);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::default()).expect("a request");
        let Ok(response) = self.runtime.block_on(self.gate.clone().oneshot(request));
        response.status().as_u16()
    }
}

/// The tool behind it looks at the cookies that it gets.
fn gate(ghes: &Emulator) -> Gate {
    let url: GhesUrl = "http://ghes.example.com".parse().expect("a URL");
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    let login = SessionOptions::new(&format!("https://{NAME}"), key).expect("options");
    let validator = Validator::for_ghes_over(&url, &app, ghes.clone()).expect("a client id");
    let login = SessionLayer::for_ghes_over(&url, &app, &validator, login, ghes.clone());
    let tool = service_fn(async |request: Request<Full<Bytes>>| {
        for line in request.headers().get_all(COOKIE) {
            let mut pairs = line.as_bytes().split(|&byte| byte == b';');
            let ours = pairs.find(|pair| {
                let name = pair.trim_ascii_start().get(..21);
                name.is_some_and(|name| name.eq_ignore_ascii_case(b"__Host-ghes-gatekeepe"))
            });
            assert_eq!(ours, None, "{line:?}");
        }
        Ok::<_, Infallible>(Response::new(Full::default()))
    });
    let gate = ServiceBuilder::new()
        .layer(login.expect("a client id"))
        .layer(GatekeeperLayer::new(validator))
        .service(tool);
    BoxCloneSyncService::new(gate)
}

/// Goes through a login, and returns the cookie of the session.
async fn log_in(gate: &Gate, ghes: &Emulator) -> String {
    let get = async |path: &str, cookie: &str| {
        let request = Request::get(path)
            .header(HOST, NAME)
            .header(ACCEPT, "text/html");
        let request = request.header(COOKIE, cookie).body(Full::default());
        let Ok(response) = gate.clone().oneshot(request.expect("a request")).await;
        response.headers().clone()
    };
    let begun = get("/oauth2/start", "").await;
    let authorize = text(&begun, LOCATION);
    let (page, query) = authorize.split_once('?').expect("a query");
    let form = format!("{query}&login=octocat&password=octocat&decision=authorize");
    let request = Request::post(page).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Full::<Bytes>::from(form)).expect("a request");
    let approved = ghes.clone().oneshot(request).await.expect("an answer");
    let callback = text(approved.headers(), LOCATION);
    let (_, path) = callback.split_once(NAME).expect("our host");
    let done = get(path, &new_cookie(&begun)).await;
    new_cookie(&done)
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> String {
    let value = headers.get(name).expect("the field");
    value.to_str().expect("text").to_owned()
}

fn new_cookie(headers: &HeaderMap) -> String {
    let lines = headers.get_all(SET_COOKIE).iter();
    let mut pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
    let pair = pairs.find(|pair| !pair.ends_with('='));
    pair.expect("a cookie").to_owned()
}

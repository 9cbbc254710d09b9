//! What a cookie costs over a token: the same gate, hit by both in one run.
//!
//! ```sh
//! cargo bench --bench session --no-default-features --features emulator,session
//! ```
//!
//! A cookie is found among others, opened with a key of its own, and read; then its token goes the
//! way of every token. What the two differ by is printed; benches/peers/session.py has it for whole
//! requests over sockets.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesUrl};
use ghes_gatekeeper::session::{SessionLayer, SessionOptions};
use ghes_gatekeeper::validator::Validator;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::Full;
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

type Gate = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

const HOST_NAME: &str = "tool.example.com";
const BLOCKS: usize = 5_000;
const PER_BLOCK: u32 = 64;

fn gate(ghes: &Emulator) -> Result<Gate, BoxError> {
    let url: GhesUrl = "http://ghes.example.com".parse()?;
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    let login = SessionOptions::new(&format!("https://{HOST_NAME}"), key)?;
    let validator = Validator::for_ghes_over(&url, &app, ghes.clone())?;
    let login = SessionLayer::for_ghes_over(&url, &app, &validator, login, ghes.clone())?;
    let tool = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::default())));
    let gate = ServiceBuilder::new()
        .layer(login)
        .layer(GatekeeperLayer::new(validator))
        .service(tool);
    Ok(BoxCloneSyncService::new(gate))
}

/// Goes through a login, and returns the cookie of the session.
async fn log_in(gate: &Gate, ghes: &Emulator) -> Result<String, BoxError> {
    let get = |url: &str, cookie: &str| {
        let (_, path) = url.split_once(HOST_NAME).unwrap_or(("", "/"));
        let request = Request::get(path).header(HOST, HOST_NAME);
        let request = request.header(ACCEPT, "text/html").header(COOKIE, cookie);
        request.body(Full::default())
    };
    let begun = gate
        .clone()
        .oneshot(get("tool.example.com/oauth2/start", "")?)
        .await?;
    let pending = cookie(begun.headers()).ok_or("no pending login")?;
    let authorize = begun.headers()[LOCATION].to_str()?;
    let (page, query) = authorize.split_once('?').ok_or("no query")?;
    let form = format!("{query}&login=octocat&password=octocat&decision=authorize");
    let request = Request::post(page).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let approved = ghes
        .clone()
        .oneshot(request.body(Full::<Bytes>::from(form))?)
        .await?;
    let callback = approved.headers()[LOCATION].to_str()?.to_owned();
    let done = gate.clone().oneshot(get(&callback, &pending)?).await?;
    Ok(cookie(done.headers()).ok_or("no session")?)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(SET_COOKIE).iter();
    lines.find_map(|line| {
        let (pair, _) = line.to_str().ok()?.split_once(';')?;
        (!pair.ends_with('=')).then(|| pair.to_owned())
    })
}

/// Returns how long a request takes: the median of many short blocks, so that what else the
/// machine does is in few of them.
async fn measure(gate: &Gate, name: HeaderName, value: &str) -> Result<Duration, BoxError> {
    let mut gate = gate.clone();
    let mut blocks = Vec::with_capacity(BLOCKS);
    for _ in 0..BLOCKS {
        let requests = (0..PER_BLOCK).map(|_| {
            let request = Request::get("/page").header(HOST, HOST_NAME);
            request.header(&name, value).body(Full::<Bytes>::default())
        });
        let requests: Vec<_> = requests.collect::<Result<_, _>>()?;
        let begin = Instant::now();
        for request in requests {
            let response = gate.ready().await?.call(request).await?;
            assert!(black_box(response).status().is_success());
        }
        blocks.push(begin.elapsed() / PER_BLOCK);
    }
    blocks.sort_unstable();
    Ok(blocks[BLOCKS / 2])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let ghes = Emulator::default();
    let gate = gate(&ghes)?;
    let session = log_in(&gate, &ghes).await?;
    let line = format!("theme=dark; {session}; csrf=1a2b3c4d5e6f");
    let token = "Bearer e72e16c7e42f292c6912e7710c838347ae178b4a";
    let bearer = measure(&gate, AUTHORIZATION, token).await?;
    let cookie = measure(&gate, COOKIE, &line).await?;
    println!("a token:  {bearer:?}");
    println!("a cookie: {cookie:?}, of {} bytes", session.len());
    println!("more:     {:?}", cookie.saturating_sub(bearer));
    Ok(())
}

//! An axum app that people log in to with their browsers, by GHES.
//!
//! Run it with `cargo run --example login_app`, which goes through a login as a browser does; or
//! with `cargo run --example login_app -- serve`, and open the page that it names. GHES is an
//! emulator; against your own, write `Validator::for_ghes(&url, &app)?` and
//! `SessionLayer::for_ghes(&url, &app, &validator, login)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::Router;
use axum::body::Bytes;
use axum::response::Html;
use axum::routing::get;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesUrl};
use ghes_gatekeeper::session::{SessionLayer, SessionOptions};
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::BoxError;

async fn home(who: Identity) -> Html<String> {
    let login = who.user().login();
    Html(format!(
        "<h1>Hello, {login}!</h1>\n<p><a href=\"/oauth2/sign_out\">Sign out</a></p>\n"
    ))
}

/// The login goes around the gate, and the gate around the app.
fn app(url: &GhesUrl, here: &str, ghes: Emulator) -> Result<Router, BoxError> {
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    // For an example alone: a real one is secret, from `openssl rand -base64 32`.
    let login = SessionOptions::new(here, "an example's key, of 32 bytes or more".to_owned())?;
    let validator = Validator::for_ghes_over(url, &app, ghes.clone())?;
    let login = SessionLayer::for_ghes_over(url, &app, &validator, login, ghes)?;
    Ok(Router::new()
        .route("/", get(home))
        .layer(GatekeeperLayer::new(validator))
        .layer(login))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (ours, theirs) = (listener().await?, listener().await?);
    let here = format!("http://localhost:{}", ours.local_addr()?.port());
    let ghes = Emulator::default();
    let url = format!("http://{}", theirs.local_addr()?).parse()?;
    let app = app(&url, &here, ghes.clone())?;
    let mut servers = tokio::task::JoinSet::new();
    servers.spawn(serve_ghes(theirs, ghes));
    servers.spawn(async { Ok(axum::serve(ours, app).await?) });
    if std::env::args().nth(1).as_deref() == Some("serve") {
        println!("open {here} and sign in as octocat, with the password octocat");
        servers.join_next().await.transpose()?.transpose()?;
        return Ok(());
    }
    log_in(&here).await
}

/// Does what a browser does, up to the page that was asked for.
async fn log_in(here: &str) -> Result<(), BoxError> {
    let (mut url, mut cookie) = (format!("{here}/"), String::new());
    for _ in 0..8 {
        let is_ours = url.starts_with(here);
        let asks_person = !is_ours && url.contains("/login/oauth/authorize?");
        let mut request = Request::get(&url).header(ACCEPT, "text/html");
        if is_ours {
            request = request.header(COOKIE, &cookie);
        }
        let mut request = request.body(Full::<Bytes>::default())?;
        if asks_person {
            request = approval(&url)?;
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await?;
        let (page, _) = url.split_once('?').unwrap_or((&url, ""));
        println!("{}: {page}", response.status().as_u16());
        if is_ours {
            keep(response.headers(), &mut cookie);
        }
        let Some(next) = response.headers().get(LOCATION) else {
            let body = response.into_body().collect().await?.to_bytes();
            let body = String::from_utf8_lossy(&body);
            println!("{body}");
            assert!(body.contains("Hello, octocat!"), "{body}");
            return Ok(());
        };
        url = next.to_str()?.to_owned();
    }
    Err("the login does not end".into())
}

/// The person's answer to the page of GHES.
fn approval(url: &str) -> Result<Request<Full<Bytes>>, BoxError> {
    let (page, query) = url.split_once('?').ok_or("no query")?;
    let form = format!("{query}&login=octocat&password=octocat&decision=authorize");
    let request = Request::post(page).header("content-type", "application/x-www-form-urlencoded");
    Ok(request.body(form.into())?)
}

/// Keeps the newest cookie alone, which is enough here: first that of the login, then the session.
fn keep(headers: &HeaderMap, cookie: &mut String) {
    let lines = headers.get_all(SET_COOKIE).iter();
    let mut lines = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
    if let Some(new) = lines.rfind(|pair| !pair.ends_with('=')) {
        new.clone_into(cookie);
    }
}

async fn serve_ghes(listener: TcpListener, ghes: Emulator) -> Result<(), BoxError> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(ghes.clone());
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

async fn listener() -> Result<TcpListener, BoxError> {
    Ok(TcpListener::bind("127.0.0.1:0").await?)
}

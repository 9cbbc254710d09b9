//! A bare hyper server that only people with a good GHES token get into.
//!
//! Run it with `cargo run --example hyper_app`. GHES is an emulator in this process; against your
//! own, write `Validator::for_ghes(&url, &app)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::convert::Infallible;

use bytes::Bytes;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::App;
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder};

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let identity = request.extensions().get::<Identity>();
    let login = identity.map_or("nobody", |identity| identity.user().login());
    Ok(Response::new(Full::from(format!("Hello, {login}!"))))
}

async fn serve(listener: TcpListener, ghes: Emulator) -> Result<(), BoxError> {
    let url = "http://ghes.example.com".parse()?;
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let validator = Validator::for_ghes_over(&url, &app, ghes)?;
    // Clones of the service share the validator, and with it what is remembered.
    let service = ServiceBuilder::new()
        .layer(GatekeeperLayer::new(validator))
        .service_fn(hello);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener, Emulator::default()));

    for (credential, expected) in [
        ("Bearer e72e16c7e42f292c6912e7710c838347ae178b4a", 200),
        // As Octokit's clients write it.
        ("token e72e16c7e42f292c6912e7710c838347ae178b4a", 200),
        ("Bearer gho_unknown", 401),
        ("Bearer two tokens", 400),
    ] {
        let request = Request::get(format!("http://{address}/"))
            .header("authorization", credential)
            .body(Empty::<Bytes>::new())?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{status}: {}", String::from_utf8_lossy(&body));
        assert_eq!(status, expected);
    }
    server.abort();
    Ok(())
}

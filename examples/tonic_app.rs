//! A gRPC service of tonic that only people with a good GHES token can call.
//!
//! Run it with `cargo run --example tonic_app`. GHES is an emulator in this process; against your
//! own, write `Validator::for_ghes(&url, &app)?`. With `tonic::transport`, the same layer goes into
//! `Server::builder().layer(gate)`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::convert::Infallible;

use bytes::{Buf, BufMut};
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::App;
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status};
use tower::{BoxError, ServiceBuilder, service_fn};

/// The gate has left in the request who is asking.
async fn hello(request: Request<String>) -> Result<Response<String>, Status> {
    let identity = request.extensions().get::<Identity>();
    let login = identity.map_or("nobody", |identity| identity.user().login());
    let greeting = request.get_ref();
    Ok(Response::new(format!("{greeting}, {login}!")))
}

/// What `tonic-prost-build` writes of a `.proto` file is such a service.
async fn greeter(request: http::Request<Incoming>) -> Result<http::Response<Body>, Infallible> {
    let mut grpc = tonic::server::Grpc::new(Text);
    Ok(grpc.unary(service_fn(hello), request).await)
}

async fn serve(listener: TcpListener, ghes: Emulator) -> Result<(), BoxError> {
    let url = "http://ghes.example.com".parse()?;
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let gate = GatekeeperLayer::new(Validator::for_ghes_over(&url, &app, ghes)?);
    let service = ServiceBuilder::new().layer(gate).service_fn(greeter);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let server = http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?).parse()?;
    let server = tokio::spawn(serve(listener, Emulator::default()));

    let http = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Body>();
    let mut client = tonic::client::Grpc::with_origin(http, origin);
    for (token, expected) in [
        ("e72e16c7e42f292c6912e7710c838347ae178b4a", tonic::Code::Ok),
        ("gho_unknown", tonic::Code::Unauthenticated),
    ] {
        let mut request = Request::new("Hello".to_owned());
        let credential = format!("Bearer {token}").parse()?;
        request.metadata_mut().insert("authorization", credential);
        client.ready().await?;
        let path = PathAndQuery::from_static("/greeter.Greeter/Hello");
        let answer = client.unary(request, path, Text).await;
        let code = match &answer {
            Ok(answer) => {
                println!("OK: {}", answer.get_ref());
                tonic::Code::Ok
            }
            Err(status) => {
                println!("{:?}: {}", status.code(), status.message());
                status.code()
            }
        };
        assert_eq!(code, expected);
    }
    server.abort();
    Ok(())
}

/// Messages that are text, in place of those of a `.proto` file.
#[derive(Clone, Copy)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, message: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let text = String::from_utf8(bytes.into());
        text.map(Some)
            .map_err(|_| Status::invalid_argument("not UTF-8"))
    }
}

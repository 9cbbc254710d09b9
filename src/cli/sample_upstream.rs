use std::convert::Infallible;

use bytes::Bytes;
use ghes_gatekeeper::proxy::serve;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::listen::Shutdown;

/// Serves a tool that tells what it sees of each request.
pub(super) async fn serve_sample(listener: TcpListener, shutdown: Shutdown) {
    let make_service = |_| {
        service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(describe(&request)))
        })
    };
    serve(listener, make_service, shutdown.ordered()).await;
}

fn describe(request: &Request<Incoming>) -> Full<Bytes> {
    let user = value(request.headers(), "x-forwarded-user").unwrap_or("anonymous");
    let mut text = format!(
        "Hello, {user}! The tool behind the gate got this request:\n\n{} {}\n",
        request.method(),
        request.uri().path()
    );
    for name in request.headers().keys() {
        let value = value(request.headers(), name.as_str()).unwrap_or("(not ASCII)");
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.into()
}

fn value<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r str> {
    headers.get(name)?.to_str().ok()
}

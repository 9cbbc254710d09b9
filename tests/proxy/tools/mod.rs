//! Tools that know only what they are told, on every way to them and for every kind of client.

mod bodies;
mod hosts;
mod redirects;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;

use super::carrier::{Ask, Carrier, Front};
use super::upstreams::{Authority, Temporary, acceptor, listen, pem, temporary};

/// A way to a tool.
#[derive(Clone, Copy, Debug)]
enum Way {
    Http,
    H2c,
    Https,
    HttpsOfHttp1,
    Unix,
}

const WAYS: [Way; 5] = [
    Way::Http,
    Way::H2c,
    Way::Https,
    Way::HttpsOfHttp1,
    Way::Unix,
];

/// A tool that answers with what it was told.
struct Tool {
    /// Its address, as a route has it.
    upstream: String,
    /// What stands at the end of its route.
    tls: String,
    /// The name that it has by itself.
    own: String,
    _files: Vec<Temporary>,
}

/// What a tool was told.
#[derive(Debug)]
struct Seen {
    /// `Host` or `:authority`, whichever its protocol has.
    host: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Makes the headers of a response.
type Answer = fn(&Seen) -> HeaderMap;

impl Tool {
    /// Starts a tool whose body is `host length coding`.
    async fn start(way: Way, answer: Answer) -> Self {
        let mut files = Vec::new();
        let mut tls = String::new();
        let (upstream, own) = match way {
            Way::Unix => {
                let path = temporary("sock");
                let listener = UnixListener::bind(&path.0).expect("a socket");
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, answer));
                    }
                });
                let upstream = format!("unix:{}", path.0.display());
                files.push(path);
                (upstream, "localhost".to_owned())
            }
            Way::Http | Way::H2c => {
                let (listener, address) = listen().await;
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, answer));
                    }
                });
                let scheme = if let Way::H2c = way { "h2c" } else { "http" };
                (format!("{scheme}://{address}"), address.to_string())
            }
            Way::Https | Way::HttpsOfHttp1 => {
                let authority = Authority::new();
                let ca = pem(&authority.0.pem());
                let alpn: &[&str] = match way {
                    Way::Https => &["h2"],
                    _ => &["http/1.1"],
                };
                // Only a client that says this name in its handshake takes the certificate.
                let acceptor = Arc::new(acceptor(&authority, "localhost", false, alpn));
                tls = format!("[routes.upstream_tls]\nca_file = \"{}\"\n", ca.0.display());
                files.push(ca);
                let (listener, address) = listen().await;
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        let acceptor = Arc::clone(&acceptor);
                        tokio::spawn(async move {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                let name = stream.get_ref().1.server_name();
                                assert_eq!(name, Some("localhost"));
                                serve(stream, answer).await;
                            }
                        });
                    }
                });
                let own = format!("localhost:{}", address.port());
                (format!("https://{own}"), own)
            }
        };
        Self {
            upstream,
            tls,
            own,
            _files: files,
        }
    }

    /// A route to it.
    fn route(&self, path: &str, more: &str) -> String {
        let Self { upstream, tls, .. } = self;
        format!("[[routes]]\npath = \"{path}\"\nupstream = \"{upstream}\"\n{more}\n{tls}")
    }

    /// A gate with that route alone.
    async fn front(&self, on: Carrier, path: &str, more: &str) -> Front {
        Front::start(on, "", &self.route(path, more)).await
    }

    fn scheme(&self) -> &'static str {
        match self.upstream.starts_with("https:") {
            true => "https",
            false => "http",
        }
    }
}

/// What the tool says that it was told, as text.
async fn seen(front: &Front, ask: &Ask) -> String {
    let answer = front.answer(ask).await;
    assert_eq!(answer.status, 200, "{ask:?}");
    String::from_utf8(answer.body).expect("text")
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, answer: Answer) {
    let service = service_fn(move |request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let host = match (head.uri.authority(), head.headers.get("host")) {
            (Some(authority), None) => authority.to_string(),
            (None, Some(host)) => host.to_str().expect("text").to_owned(),
            both => panic!("{both:?}"),
        };
        let seen = Seen {
            host,
            headers: head.headers,
            body,
        };
        let field = |name| {
            seen.headers
                .get(name)
                .map(|value| value.to_str().expect("text"))
        };
        let length = field("content-length").unwrap_or("none");
        let coding = field("transfer-encoding").unwrap_or("none");
        let text = format!("{} {length} {coding}", seen.host);
        let mut response = Response::new(Full::<Bytes>::from(text));
        *response.headers_mut() = answer(&seen);
        Ok::<_, Infallible>(response)
    });
    let server = auto::Builder::new(TokioExecutor::new());
    // The gate ends it; what the tool was told is what counts.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

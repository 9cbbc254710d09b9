//! As little as a proxy on hyper can do: what `compare.py` holds against ours as `bare`.
//!
//! It forwards, over connections that are kept, and sets two headers. It checks nothing, limits
//! nothing, and breaks down where anything goes wrong.
//!
//! ```sh
//! cargo build --release --example bare_proxy
//! target/release/examples/bare_proxy 127.0.0.1:8080 127.0.0.1:9000
//! ```

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tower::BoxError;

#[derive(Clone)]
struct Upstream {
    address: SocketAddr,
    idle: Rc<RefCell<Vec<SendRequest<Incoming>>>>,
}

/// Gives its connection back when it is dropped.
struct Download {
    incoming: Incoming,
    connection: Option<SendRequest<Incoming>>,
    upstream: Upstream,
}

impl Upstream {
    async fn forward(self, mut request: Request<Incoming>) -> Result<Response<Download>, BoxError> {
        let headers = request.headers_mut();
        headers.remove(CONNECTION);
        headers.remove(AUTHORIZATION);
        for name in ["x-forwarded-for", "x-forwarded-user"] {
            headers.insert(name, HeaderValue::from_static("somebody"));
        }
        let mut connection = match self.ready() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response = connection.send_request(request).await?;
        Ok(response.map(|incoming| Download {
            incoming,
            connection: Some(connection),
            upstream: self,
        }))
    }

    fn ready(&self) -> Option<SendRequest<Incoming>> {
        let mut idle = self.idle.borrow_mut();
        std::iter::from_fn(|| idle.pop()).find(SendRequest::is_ready)
    }

    async fn connect(&self) -> Result<SendRequest<Incoming>, BoxError> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        spawn_local(connection);
        Ok(sender)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.upstream
            .idle
            .borrow_mut()
            .extend(self.connection.take());
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

async fn serve(listen: SocketAddr, upstream: Upstream) -> Result<(), BoxError> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstream = upstream.clone();
        let service = service_fn(move |request| upstream.clone().forward(request));
        spawn_local(Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn main() -> Result<(), BoxError> {
    let addresses: Vec<SocketAddr> = std::env::args()
        .skip(1)
        .map(|address| address.parse())
        .collect::<Result<_, _>>()?;
    let [listen, address] = addresses[..] else {
        return Err("usage: bare_proxy LISTEN UPSTREAM, both like 127.0.0.1:8080".into());
    };
    let idle = Rc::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(listen, Upstream { address, idle }))
}

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{sync::mpsc, thread};

use bytes::Bytes;
use ghes_gatekeeper::emulator::Emulator;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

/// What the upstream says, and clients wait for.
pub(crate) const BODY: &str = "thirty-five bytes of an answer, all.";

/// A server on a thread of its own, for as long as this process lives.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                sender.send(address).expect("somebody waits");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    stream.set_nodelay(true).expect("a connection");
                    counted.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(serve(stream));
                }
            });
        });
        let address = receiver.recv().expect("an address");
        Self { address, accepted }
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

/// The emulator over HTTP/1.1.
pub(crate) fn ghes(emulator: Emulator) -> Server {
    Server::start(move |stream| {
        let service = TowerToHyperService::new(emulator.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        async { drop(connection.await) }
    })
}

pub(crate) fn upstream() -> Server {
    let answer = |_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
            BODY.as_bytes(),
        ))))
    };
    Server::start(move |stream| {
        let service = service_fn(answer);
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        async { drop(connection.await) }
    })
}

//! Connections to an emulated GHES that exist in memory only, so that time can stand still.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use ghes_gatekeeper::emulator::Emulator;
use http::Uri;
use http_body_util::Full;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tower::Service;

use super::pipe::{Trouble, carry};

pub(crate) type Transport = Client<Connector, Full<Bytes>>;

/// A pool of connections, as the product has it, over this connector.
pub(crate) fn transport(ghes: &Emulator, trouble: watch::Receiver<Trouble>) -> Transport {
    Client::builder(TokioExecutor::new()).build(Connector {
        ghes: ghes.clone(),
        trouble,
    })
}

#[derive(Clone)]
pub(crate) struct Connector {
    ghes: Emulator,
    trouble: watch::Receiver<Trouble>,
}

impl Service<Uri> for Connector {
    type Response = InMemory;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<InMemory>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        if *self.trouble.borrow() == Trouble::Refuse {
            return std::future::ready(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        let (client, client_far) = tokio::io::duplex(4096);
        let (server_far, server) = tokio::io::duplex(4096);
        tokio::spawn(carry(client_far, server_far, self.trouble.clone()));
        let ghes = TowerToHyperService::new(self.ghes.clone());
        tokio::spawn(async move {
            // Whatever the pipe does to the connection is the test's business.
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(server), ghes).await;
        });
        std::future::ready(Ok(InMemory(TokioIo::new(client))))
    }
}

pub(crate) struct InMemory(TokioIo<DuplexStream>);

impl Connection for InMemory {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for InMemory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for InMemory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

use std::future::pending;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ghes_gatekeeper::proxy::{ListenAddress, Listener};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::ask::{Ask, Body, lower};
use super::streams::{tcp, tls_by, tls_client, unix};
use super::{Answer, Carrier, End, Stream, certificate, frames};
use crate::support::{Gate, PATIENCE};
use crate::tls::Directory;

/// A gate that is reached by one protocol.
pub(crate) struct Front {
    pub(crate) gate: Gate,
    pub(crate) carrier: Carrier,
    door: Door,
    _directory: Directory,
}

enum Door {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Front {
    /// Starts a gate with these lines of `[server]` and these tables.
    pub(crate) async fn start(carrier: Carrier, server: &str, tables: &str) -> Self {
        let h2c = carrier == Carrier::H2c;
        let gate = Gate::start(&format!("[server]\nh2c = {h2c}\n{server}\n{tables}")).await;
        if matches!(carrier, Carrier::Http1 | Carrier::WebSocket | Carrier::H2c) {
            return Self {
                door: Door::Tcp(gate.address),
                gate,
                carrier,
                _directory: Directory::new(),
            };
        }
        let (listener, door, directory) = Self::listen(carrier).await;
        tokio::spawn(gate.proxy.clone().serve(listener, pending()));
        Self {
            gate,
            carrier,
            door,
            _directory: directory,
        }
    }

    /// The same for those who ask about requests and tokens.
    pub(crate) async fn of_decisions(carrier: Carrier, tables: &str) -> Self {
        let gate = Gate::start(tables).await;
        let (listener, door, directory) = Self::listen(carrier).await;
        tokio::spawn(gate.proxy.decisions().serve(listener, pending()));
        Self {
            gate,
            carrier,
            door,
            _directory: directory,
        }
    }

    async fn listen(carrier: Carrier) -> (Listener, Door, Directory) {
        let directory = Directory::new();
        let (listener, door) = match carrier {
            Carrier::Http1 | Carrier::WebSocket | Carrier::H2c => {
                let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = socket.local_addr().expect("an address");
                (Listener::from(socket), Door::Tcp(address))
            }
            Carrier::Http1Tls | Carrier::H2Tls => {
                directory.write(certificate());
                let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = socket.local_addr().expect("an address");
                let listener = Listener::from(socket).with_tls(directory.tls());
                (listener, Door::Tcp(address))
            }
            Carrier::Http1Unix => {
                let path = PathBuf::from(directory.file("gate.sock"));
                let address = ListenAddress::Unix(path.clone());
                let listener = Listener::bind(&address, 0o600).await.expect("a socket");
                (listener, Door::Unix(path))
            }
        };
        (listener, door, directory)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self.door {
            Door::Tcp(address) => address,
            Door::Unix(_) => panic!("a Unix socket has none"),
        }
    }

    pub(crate) async fn connect(&self) -> Stream {
        let name = ServerName::try_from("localhost").expect("a name");
        self.connect_as(name).await
    }

    /// The same by a name for TLS (RFC 6066 §3), if there is TLS.
    pub(crate) async fn connect_as(&self, name: ServerName<'static>) -> Stream {
        match (&self.door, self.carrier) {
            (Door::Unix(path), _) => Box::pin(unix(path).await),
            (Door::Tcp(address), carrier) if carrier.is_encrypted() => {
                let config = Arc::new(tls_client(carrier.alpn()));
                Box::pin(tls_by(config, tcp(*address).await, name).await)
            }
            (Door::Tcp(address), _) => Box::pin(tcp(*address).await),
        }
    }

    /// What becomes of a request on a connection of its own.
    pub(crate) async fn end(&self, ask: &Ask) -> End {
        self.end_on(self.connect().await, ask).await
    }

    pub(crate) async fn end_on(&self, mut stream: Stream, ask: &Ask) -> End {
        if self.carrier.is_http_2() {
            let frames = self.frames(ask);
            let end = timeout(PATIENCE, frames::exchange(stream, &frames)).await;
            return end.unwrap_or_else(|_| panic!("no answer to {ask:?}"));
        }
        // Who refuses a request need not read it to its end.
        let _ = stream.write_all(&ask.http1(self.carrier)).await;
        let _ = stream.flush().await;
        let answer = timeout(PATIENCE, Answer::read(&mut stream, &ask.method)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {ask:?}"));
        answer.map_or(End::Closed(None), End::Answered)
    }

    fn frames(&self, ask: &Ask) -> Vec<u8> {
        let fields = ask.http2(self.carrier.scheme());
        let headers = |is_end| frames::headers(1, &fields, is_end);
        match &ask.body {
            Body::None => headers(true),
            Body::Sized(body) => [headers(false), frames::data(1, body, true)].concat(),
            Body::Streamed(body, trailers) if trailers.is_empty() => {
                [headers(false), frames::data(1, body, true)].concat()
            }
            Body::Streamed(body, trailers) => {
                let trailers = frames::headers(1, &lower(trailers), true);
                [headers(false), frames::data(1, body, false), trailers].concat()
            }
        }
    }

    /// What becomes of frames that belong to stream 1.
    pub(crate) async fn end_of_frames(&self, bytes: &[u8]) -> End {
        let end = frames::exchange(self.connect().await, bytes);
        let end = timeout(PATIENCE, end).await;
        end.unwrap_or_else(|_| panic!("no answer to {:?}", String::from_utf8_lossy(bytes)))
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, ask: &Ask) -> Answer {
        match self.end(ask).await {
            End::Answered(answer) => answer,
            end => panic!("{end:?} instead of an answer to {ask:?}"),
        }
    }

    pub(crate) async fn assert_status(&self, ask: &Ask, status: u16) {
        let answer = self.answer(ask).await;
        assert_eq!(answer.status, status, "{:?} {ask:?}", self.carrier);
    }

    /// Fails unless a request is refused as malformed: with 400, and in HTTP/2 also with a stream
    /// error (RFC 9113 §8.1.1).
    pub(crate) async fn assert_malformed(&self, ask: &Ask) {
        let end = self.end(ask).await;
        let is_stream_error = self.carrier.is_http_2() && matches!(end, End::Reset(1));
        assert!(
            is_stream_error || end.status() == Some(400),
            "{end:?} {ask:?}"
        );
    }
}

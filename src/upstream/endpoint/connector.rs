use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper::client::conn::{http1, http2};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::ServiceExt;

use super::connection::{Connection, Host, Http1, Http2, Wanted};
use super::handle::Handle;
use super::sockets::Socket;
use super::wire::{Peek, Watch, Wire};
use crate::upstream::failure::Failure;
use crate::upstream::tls::UpstreamTls;
use crate::upstream::upload::Upload;
use crate::upstream::url::{UpstreamAddress, UpstreamUrl};

/// Makes connections to one address. Each step has a time limit.
pub(in crate::upstream) enum Connector {
    Http(Tcp),
    H2c(Tcp),
    Https(Tcp, Tls),
    Unix(Box<Path>),
}

/// A name that is resolved again for each connection.
pub(in crate::upstream) struct Tcp {
    connector: HttpConnector,
    uri: Uri,
}

/// The parameters of the handshake.
pub(in crate::upstream) struct Tls {
    any: TlsConnector,
    http1: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// Returns how to reach an upstream, and its own name there.
    pub(in crate::upstream) fn new(url: &UpstreamUrl, tls: Option<&UpstreamTls>) -> (Self, Host) {
        match (url.address(), tls) {
            (UpstreamAddress::Http(authority), _) => {
                let host = Host::new(Scheme::HTTP, authority.clone());
                (Self::Http(Tcp::new(Scheme::HTTP, authority)), host)
            }
            (UpstreamAddress::H2c(authority), _) => {
                let host = Host::new(Scheme::HTTP, authority.clone());
                (Self::H2c(Tcp::new(Scheme::HTTP, authority)), host)
            }
            (UpstreamAddress::Https(authority), tls) => {
                let tls = tls.expect("the configuration has TLS wherever it has https");
                let host = Host::new(Scheme::HTTPS, authority.clone());
                let tcp = Tcp::new(Scheme::HTTPS, authority);
                (Self::Https(tcp, Tls::new(tls, authority)), host)
            }
            (UpstreamAddress::Unix(path), _) => {
                // A path is not a host; servers expect the name that nginx and curl send then.
                let host = Host::new(Scheme::HTTP, Authority::from_static("localhost"));
                (Self::Unix(path.clone()), host)
            }
        }
    }

    /// Makes a connection, which uses the slot of `socket`. The upstream has to accept it within a
    /// time limit.
    pub(in crate::upstream) async fn connect(
        &self,
        wanted: Wanted,
        socket: Socket,
        limit: Duration,
    ) -> Result<Connection, Failure> {
        match self {
            Self::Http(tcp) => http1(socket.of(tcp.connect(limit).await?)).await,
            Self::H2c(tcp) => http2(socket.of(tcp.connect(limit).await?)).await,
            Self::Https(tcp, tls) => {
                let stream = tcp.connect(limit).await?;
                // Two round trips and a signature.
                let stream = tls.agree(stream, wanted, 2 * limit).await?;
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => http2(socket.of(stream)).await,
                    _ => http1(socket.of(stream)).await,
                }
            }
            Self::Unix(path) => http1(socket.of(unix(path, limit).await?)).await,
        }
    }
}

impl Tcp {
    fn new(scheme: Scheme, authority: &Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(scheme);
        parts.authority = Some(authority.clone());
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts).expect("scheme, authority and path make a URI");
        Self { connector, uri }
    }

    async fn connect(&self, limit: Duration) -> Result<TcpStream, Failure> {
        let connecting = self.connector.clone().oneshot(self.uri.clone());
        let stream = timeout(limit, connecting)
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::connect)?;
        Ok(stream.into_inner())
    }
}

impl Tls {
    fn new(tls: &UpstreamTls, authority: &Authority) -> Self {
        let offering = |protocols: &[&[u8]]| {
            let mut client = ClientConfig::clone(tls.client());
            client.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            TlsConnector::from(Arc::new(client))
        };
        // An IPv6 address has brackets in a URI only.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let name = tls.server_name.clone();
        let name = name.map_or_else(|| ServerName::try_from(host), Ok);
        Self {
            any: offering(&[b"h2", b"http/1.1"]),
            http1: offering(&[b"http/1.1"]),
            name: name.expect("a host that can be connected to is a name or an address"),
        }
    }

    async fn agree(
        &self,
        stream: TcpStream,
        wanted: Wanted,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let connector = match wanted {
            Wanted::Any | Wanted::Fresh => &self.any,
            Wanted::FreshHttp1 => &self.http1,
        };
        let handshake = connector.connect(self.name.clone(), stream);
        timeout(limit, handshake)
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::connect)
    }
}

async fn unix(path: &Path, limit: Duration) -> Result<UnixStream, Failure> {
    timeout(limit, UnixStream::connect(path))
        .await
        .map_err(|_| Failure::ConnectTimeout)?
        .map_err(Failure::connect)
}

pub(in crate::upstream) async fn http1(stream: impl Peek) -> Result<Connection, Failure> {
    let watch = Arc::new(Watch::new(MAX_BYTES_BEFORE_HEAD));
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEAD_FIELDS)
        .handshake::<_, Upload>(TokioIo::new(Wire::new(stream, Arc::clone(&watch))))
        .await
        .map_err(Failure::connect)?;
    let handle = Handle::drive(sender, connection.with_upgrades());
    Ok(Connection::Http1(Http1::new(handle, watch)))
}

pub(in crate::upstream) async fn http2(stream: impl Peek) -> Result<Connection, Failure> {
    let watch = Arc::new(Watch::new(MAX_BYTES_OF_NOTHING));
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .handshake::<_, Upload>(TokioIo::new(Wire::new(stream, Arc::clone(&watch))))
        .await
        .map_err(Failure::connect)?;
    let handle = Handle::drive(sender, connection);
    Ok(Connection::Http2(Http2::new(handle, watch)))
}

/// The largest head of a response, and the most bytes read at once of its body. hyper's own limit
/// is 400 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The most fields of a response of HTTP/1.1; in HTTP/2 only their bytes are limited. Tools that
/// set many cookies or links exceed hyper's own limit of 100. Above 100, hyper keeps its tables on
/// the heap while it parses, which leaves some 4 KiB more in each idle connection of a client.
const MAX_HEAD_FIELDS: usize = 256;

/// The most bytes read of HTTP/1.1 from a request to the end of the response's head: the limit for
/// the head and the first two pieces of the body, and as much again of interim responses.
const MAX_BYTES_BEFORE_HEAD: usize = 6 * MAX_HEAD_BYTES;

/// The most bytes read of HTTP/2 while no response and no piece of a body is taken: more than the 5
/// MiB of bodies that hyper lets an upstream send ahead.
const MAX_BYTES_OF_NOTHING: usize = 8 * 1024 * 1024;

/// Many exchanges depend on a connection of HTTP/2, so a vanished peer must be noticed. Pings are
/// sent only during exchanges.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// About as long as a user waits for a page that does not load.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

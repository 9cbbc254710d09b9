pub(super) mod front;
pub(in crate::config) mod kinds;
pub(super) mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use self::front::{DEFAULT_TOKEN_BYTES, ServerLimits, ServerTimeouts};
use self::kinds::{Address, Hosts, Listen, Mode, Proxies, RealmName, ShutdownDelay, Workers};
use super::reader::section::Section;
use crate::config::reader::kind::Optional;
use crate::config::reader::table::{Table, table};
use crate::gatekeeper::ClientLimit;
use crate::hygiene::allowed_hosts::AllowedHosts;
use crate::hygiene::trusted_proxies::TrustedProxies;
use crate::rejection::Realm;
use crate::server::{CertificateFiles, Limits, ListenAddress, Timeouts};
use crate::upstream::UpstreamLimits;

/// `[server]`: where clients come in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The addresses to listen on; at least one. Absent: [`DEFAULT_LISTEN`].
    pub listen: Vec<ListenAddress>,
    /// The mode of the files of Unix sockets. Absent: 660, for the user and the group that the
    /// proxy runs as.
    pub unix_mode: u32,
    /// How many threads serve clients. Absent: as many as there are processors to be used.
    pub workers: NonZeroUsize,
    /// Whether HTTP/2 is spoken without TLS, to clients that begin with it.
    pub h2c: bool,
    /// The address for probes, metrics and purging. Absent: there are none.
    pub admin_listen: Option<SocketAddr>,
    /// Whether `admin_listen` may be beyond loopback. Absent: no, because every client that can
    /// connect may purge.
    pub admin_allow_remote: bool,
    /// The address for probes and metrics alone. Absent: there is none.
    pub probe_listen: Option<SocketAddr>,
    /// How long clients are still accepted after the order to stop. Absent: not at all.
    pub shutdown_delay: Duration,
    /// The peers whose `X-Forwarded-For`, `-Host`, `-Proto`, `-Port`, `-Prefix` and `X-Request-Id`
    /// are believed. Absent: no peer's.
    pub trusted_proxies: TrustedProxies,
    /// Those of `trusted_proxies` whose `X-Forwarded-Host` decides where it differs from `Host`.
    /// Absent: none; where routes depend on the host, such requests are refused.
    pub forwarded_host_from: TrustedProxies,
    /// The hosts that clients may ask for. Absent: any.
    pub allowed_hosts: AllowedHosts,
    /// The name in challenges. Absent: that of [`Realm::default`], `ghes`.
    pub realm: Realm,
    /// How many unknown tokens one client may bring. Absent: that of [`ClientLimit::default`].
    pub client_limit: ClientLimit,
    /// How many bytes a token may have. Absent: as
    /// [`BearerOptions`](crate::bearer::BearerOptions) has it.
    pub token_bytes: NonZeroU32,
    /// The certificate for clients of IP addresses. Absent: they are served without TLS.
    pub tls: Option<CertificateFiles>,
    /// How many connections there may be.
    pub limits: Limits,
    /// How many connections to upstreams there may be.
    pub upstream_limits: UpstreamLimits,
    /// How long clients may take.
    pub timeouts: Timeouts,
}

table! {
    /// `[server]` itself; the defaults stand with [`ServerConfig`].
    pub(in crate::config) struct Server for ServerConfig {
        /// or one address as a string; port 0 takes any free port;
        /// "unix:/run/ghes-gatekeeper/gate.sock" for a Unix socket
        listen: Listen;
        /// of the files of Unix sockets
        unix_mode: Mode;
        /// threads that serve clients; absent: one per processor
        workers: Workers, shown 2;
        /// true: also HTTP/2 without TLS, from clients that begin with it
        h2c: bool;
        /// probes, metrics, purging; every client that can connect may purge
        admin_listen: Optional<Address>, shown "127.0.0.1:9901";
        /// true: admin_listen may be beyond loopback
        admin_allow_remote: bool;
        /// absent: none; /healthz, /readyz and /metrics alone
        probe_listen: Optional<Address>, shown "0.0.0.0:9902";
        /// after SIGTERM, /readyz says 503 and clients are still accepted for this long
        shutdown_delay: ShutdownDelay;
        /// like ["10.0.0.0/8"]: peers whose X-Forwarded-For, -Host, -Proto, -Port,
        /// -Prefix and X-Request-Id are believed; they must set or remove all of them
        trusted_proxies: Proxies;
        /// those of them that write X-Forwarded-Host and send another Host
        forwarded_host_from: Proxies;
        /// the hosts that clients may ask for; absent: any
        allowed_hosts: Hosts, shown ["tools.example.com"];
        /// what clients see in WWW-Authenticate
        realm: RealmName;
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: vec![DEFAULT_LISTEN.into()],
            unix_mode: DEFAULT_UNIX_MODE,
            workers: default_workers(),
            h2c: false,
            admin_listen: None,
            admin_allow_remote: false,
            probe_listen: None,
            shutdown_delay: Duration::ZERO,
            trusted_proxies: TrustedProxies::default(),
            forwarded_host_from: TrustedProxies::default(),
            allowed_hosts: AllowedHosts::default(),
            realm: Realm::default(),
            client_limit: ClientLimit::default(),
            token_bytes: DEFAULT_TOKEN_BYTES,
            tls: None,
            limits: Limits::default(),
            upstream_limits: UpstreamLimits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl ServerConfig {
    pub(super) fn read(server: &mut Section<'_>) -> Option<Self> {
        let mut read = Self::default();
        Server::read_over(&mut read, server);
        read.refuse_contradictions(server);
        server.section("limits", |limits| {
            ServerLimits::read_whole(&mut read, limits);
            Some(())
        });
        read.tls = server.optional_section("tls", tls::read);
        read.timeouts = server.section("timeouts", ServerTimeouts::read)?;
        Some(read)
    }

    fn refuse_contradictions(&self, server: &Section<'_>) {
        self.refuse_twins(server);
        if self.admin_listen.is_some_and(is_remote) && !self.admin_allow_remote {
            server.refuse("admin_listen", EXPOSED_ADMIN);
        }
        let strangers = self.forwarded_host_from.beyond(&self.trusted_proxies);
        if let Some(stranger) = strangers
            && !server.is_refused("trusted_proxies")
        {
            let cure = "is not in server.trusted_proxies; add it there, or drop it";
            server.refuse("forwarded_host_from", format!("{stranger} {cure}"));
        }
    }

    /// Refuses addresses of which only one can be listened on.
    fn refuse_twins(&self, server: &Section<'_>) {
        // Where `listen` could not be read, its default says nothing about the others.
        let listen: &[ListenAddress] = match server.is_refused("listen") {
            true => &[],
            false => &self.listen,
        };
        let has = |address| listen.iter().any(|other| is_twin(other, &address));
        let mut all = listen.iter().enumerate();
        let twin =
            all.find(|(at, address)| listen[..*at].iter().any(|other| is_twin(other, address)));
        if let Some((_, address)) = twin {
            server.refuse("listen", format!("{address} is listed twice; keep one"));
        }
        let admin = self.admin_listen.map(ListenAddress::from);
        if admin.clone().is_some_and(has) {
            server.refuse("admin_listen", "is in listen too; give it another port");
        }
        let probes = self.probe_listen.map(ListenAddress::from);
        if probes.clone().is_some_and(has) {
            server.refuse("probe_listen", "is in listen too; give it another port");
        } else if admin
            .zip(probes)
            .is_some_and(|(admin, probes)| is_twin(&admin, &probes))
        {
            server.refuse("probe_listen", "is admin_listen too; give it another port");
        }
    }
}

/// Tells whether only one of two can be listened on. The port 0 is another each time.
pub(in crate::config) fn is_twin(one: &ListenAddress, other: &ListenAddress) -> bool {
    let is_any = matches!(one, ListenAddress::Tcp(address) if address.port() == 0);
    one == other && !is_any
}

/// A process that may use no more than some processors, as a container, is told so here.
fn default_workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Reachable from this machine only: who wants to serve a network says so. The port is the one
/// that people try first.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A web server before the gate is in its group; all other clients come through that server.
const DEFAULT_UNIX_MODE: u32 = 0o660;

fn is_remote(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

const EXPOSED_ADMIN: &str = "every client that can connect may purge, without a login; use \
 127.0.0.1, or set server.admin_allow_remote = true if only operators can reach it";

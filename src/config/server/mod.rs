pub(super) mod front;
pub(super) mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use self::front::{DEFAULT_TOKEN_BYTES, ServerLimits, ServerTimeouts};
use super::reader::pattern::is_host_pattern;
use super::reader::section::Section;
use super::reader::source::Node;
use crate::config::reader::duration::duration;
use crate::config::reader::kind::Shape;
use crate::config::reader::table::{Key, Table, keys};
use crate::gatekeeper::ClientLimit;
use crate::hygiene::allowed_hosts::{AllowedHost, AllowedHosts, InvalidAllowedHost};
use crate::hygiene::trusted_proxies::{InvalidTrustedProxy, TrustedProxies};
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
    /// are believed. Absent: nobody's.
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
    /// How many bytes a token may have. Absent: as [`BearerOptions::default`].
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
    /// The keys of `[server]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// or one address as a string; port 0 takes any free port;
        /// "unix:/run/ghes-gatekeeper/gate.sock" for a Unix socket
        listen: Shape::OneOrMany(&Shape::Text), default ["127.0.0.1:8080"];
        /// of the files of Unix sockets
        unix_mode: Shape::Text, default "660";
        /// threads that serve clients; absent: one per processor
        workers: Shape::Integer { from: 1, to: 1024 }, shown 2;
        /// true: also HTTP/2 without TLS, from clients that begin with it
        h2c: Shape::Boolean, default false;
        /// probes, metrics, purging; every client that can connect may purge
        admin_listen: Shape::Text, shown "127.0.0.1:9901";
        /// true: admin_listen may be beyond loopback
        admin_allow_remote: Shape::Boolean, default false;
        /// absent: none; /healthz, /readyz and /metrics alone
        probe_listen: Shape::Text, shown "0.0.0.0:9902";
        /// after SIGTERM, /readyz says 503 and clients are still accepted for this long
        shutdown_delay: Shape::Duration, default "0s";
        /// like ["10.0.0.0/8"]: peers whose X-Forwarded-For, -Host, -Proto, -Port,
        /// -Prefix and X-Request-Id are believed; they must set or remove all of them
        trusted_proxies: Shape::OneOrMany(&Shape::Text), default [];
        /// those of them that write X-Forwarded-Host and send another Host
        forwarded_host_from: Shape::OneOrMany(&Shape::Text), default [];
        /// the hosts that clients may ask for; absent: any
        allowed_hosts: Shape::OneOrMany(&Shape::Text), shown ["tools.example.com"];
        /// what clients see in WWW-Authenticate
        realm: Shape::Text, default "ghes";
    };

    pub(super) fn read(server: &mut Section<'_>) -> Option<Self> {
        let listen = server
            .list("listen", addresses, front::listen_address)
            .unwrap_or_else(|| vec![DEFAULT_LISTEN.into()]);
        let workers = server.optional("workers", workers);
        let h2c = server.flag("h2c");
        let unix_mode = server.optional("unix_mode", front::mode);
        refuse_twins(server, &listen);
        let admin_listen = server.optional("admin_listen", address);
        if let Some(admin) = admin_listen
            && listen.iter().any(|address| is_twin(address, &admin.into()))
        {
            server.refuse("admin_listen", "is in listen too; give it another port");
        }
        let admin_allow_remote = server.flag("admin_allow_remote");
        if admin_listen.is_some_and(is_remote) && !admin_allow_remote {
            server.refuse("admin_listen", EXPOSED_ADMIN);
        }
        let probe_listen = server.optional("probe_listen", address);
        refuse_probes_elsewhere(server, &listen, admin_listen, probe_listen);
        let shutdown_delay = server.optional("shutdown_delay", shutdown_delay);
        let trusted_proxies = proxies(server, "trusted_proxies");
        let forwarded_host_from = proxies(server, "forwarded_host_from");
        if let Some(stranger) = forwarded_host_from.beyond(&trusted_proxies) {
            let cure = "is not in server.trusted_proxies; add it there, or drop it";
            server.refuse("forwarded_host_from", format!("{stranger} {cure}"));
        }
        let allowed_hosts = server.list("allowed_hosts", hosts, allowed_host);
        let realm = server.optional("realm", |node| {
            Realm::new(&node.text()?).map_err(|error| error.to_string())
        });
        let mut read = Self::default();
        server.section("limits", |limits| {
            ServerLimits::read_whole(&mut read, limits);
            Some(())
        });
        let tls = server.optional_section("tls", tls::read);
        let timeouts = server.section("timeouts", ServerTimeouts::read);
        Some(Self {
            listen,
            workers: workers.unwrap_or_else(default_workers),
            h2c,
            unix_mode: unix_mode.unwrap_or(DEFAULT_UNIX_MODE),
            admin_listen,
            admin_allow_remote,
            probe_listen,
            shutdown_delay: shutdown_delay.unwrap_or_default(),
            trusted_proxies,
            forwarded_host_from,
            allowed_hosts: allowed_hosts
                .map(AllowedHosts::from_iter)
                .unwrap_or_default(),
            realm: realm.unwrap_or_default(),
            tls,
            timeouts: timeouts?,
            ..read
        })
    }
}

fn refuse_twins(server: &Section<'_>, listen: &[ListenAddress]) {
    let mut all = listen.iter().enumerate();
    let twin = all.find(|(at, address)| listen[..*at].iter().any(|other| is_twin(other, address)));
    if let Some((_, address)) = twin {
        server.refuse("listen", format!("{address} is listed twice; keep one"));
    }
}

fn refuse_probes_elsewhere(
    server: &Section<'_>,
    listen: &[ListenAddress],
    admin: Option<SocketAddr>,
    probes: Option<SocketAddr>,
) {
    let Some(probes) = probes.map(ListenAddress::from) else {
        return;
    };
    let admin = admin.map(ListenAddress::from);
    if listen.iter().any(|address| is_twin(address, &probes)) {
        server.refuse("probe_listen", "is in listen too; give it another port");
    } else if admin.is_some_and(|admin| is_twin(&admin, &probes)) {
        server.refuse("probe_listen", "is admin_listen too; give it another port");
    }
}

fn proxies(server: &mut Section<'_>, key: &'static str) -> TrustedProxies {
    let proxies = server.list(key, Node::items_or_one, |node| {
        node.text()?
            .parse()
            .map_err(|error: InvalidTrustedProxy| error.to_string())
    });
    proxies.into_iter().flatten().collect()
}

fn shutdown_delay(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(delay) if delay <= LONGEST_SHUTDOWN_DELAY => Ok(delay),
        _ => Err("must be at least 0s and at most 10m".to_owned()),
    }
}

/// Whoever sends clients looks more often than this.
const LONGEST_SHUTDOWN_DELAY: Duration = Duration::from_secs(600);

/// Tells whether only one of two can be listened on. The port 0 is another each time.
fn is_twin(one: &ListenAddress, other: &ListenAddress) -> bool {
    let is_any = matches!(one, ListenAddress::Tcp(address) if address.port() == 0);
    one == other && !is_any
}

fn workers(node: Node) -> Result<NonZeroUsize, String> {
    let workers = usize::try_from(node.integer()?).ok();
    let workers = workers.filter(|workers| *workers <= MOST_WORKERS);
    let workers = workers.and_then(NonZeroUsize::new);
    workers.ok_or_else(|| {
        format!("must be from 1 to {MOST_WORKERS}; leave it out for one per processor")
    })
}

/// A process that may use no more than some processors, as a container, is told so here.
fn default_workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// More than any machine has processors.
const MOST_WORKERS: usize = 1024;

/// Reachable from this machine only: who wants to serve a network says so. The port is the one
/// that people try first.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A web server before the gate is in its group; nobody else has to reach it past that server.
const DEFAULT_UNIX_MODE: u32 = 0o660;

fn is_remote(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

const EXPOSED_ADMIN: &str = "every client that can connect may purge, without a login; use \
 127.0.0.1, or set server.admin_allow_remote = true if only operators can reach it";

fn addresses(node: Node) -> Result<Vec<Node>, String> {
    let addresses = node.items_or_one()?;
    if addresses.is_empty() {
        return Err("names no address; write [\"127.0.0.1:8080\"], or leave it out".to_owned());
    }
    Ok(addresses)
}

/// Reads hosts; none would leave nobody anything to ask for.
fn hosts(node: Node) -> Result<Vec<Node>, String> {
    let hosts = node.items_or_one()?;
    if hosts.is_empty() {
        return Err("names no host; leave it out to allow any".to_owned());
    }
    Ok(hosts)
}

pub(super) fn address(node: Node) -> Result<SocketAddr, String> {
    node.text()?
        .parse()
        .map_err(|_| "not an IP address with a port; write it like 127.0.0.1:8080".to_owned())
}

fn allowed_host(node: Node) -> Result<AllowedHost, String> {
    let host = node.text()?;
    if is_host_pattern(&host) {
        return Err(NO_HOST_PATTERNS.to_owned());
    }
    host.parse()
        .map_err(|error: InvalidAllowedHost| error.to_string())
}

const NO_HOST_PATTERNS: &str =
    "there are no patterns here; name each host, or leave allowed_hosts out to mean any";

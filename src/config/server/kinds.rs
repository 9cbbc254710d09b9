//! What the keys of `[server]` take.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use toml::Value;

use crate::config::reader::duration::Between;
use crate::config::reader::kind::{Kind, Plain, Shape, texts};
use crate::config::reader::pattern::is_host_pattern;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::hygiene::allowed_hosts::{AllowedHost, AllowedHosts, InvalidAllowedHost};
use crate::hygiene::trusted_proxies::{InvalidTrustedProxy, TrustedProxies};
use crate::rejection::Realm;
use crate::server::{InvalidListenAddress, ListenAddress};

/// Where to listen for clients.
pub(in crate::config) struct Listen;

impl Kind for Listen {
    type Value = Vec<ListenAddress>;

    const SHAPE: Shape = Shape::OneOrMany(&Shape::Text);

    fn read(server: &mut Section<'_>, key: &'static str) -> Option<Self::Value> {
        const EMPTY: &str = "names no address; write [\"127.0.0.1:8080\"], or leave it out";
        server.list(key, |node| some(node, EMPTY), listen_address)
    }

    fn print(addresses: &Self::Value) -> Option<Value> {
        Some(texts(addresses))
    }
}

/// The peers that are believed.
pub(super) struct Proxies;

impl Kind for Proxies {
    type Value = TrustedProxies;

    const SHAPE: Shape = Shape::OneOrMany(&Shape::Text);

    fn read(server: &mut Section<'_>, key: &'static str) -> Option<TrustedProxies> {
        let proxies = server.list(key, Node::items_or_one, |node| {
            let proxy = node.text()?.parse();
            proxy.map_err(|error: InvalidTrustedProxy| error.to_string())
        });
        proxies.map(TrustedProxies::from_iter)
    }

    fn print(proxies: &TrustedProxies) -> Option<Value> {
        Some(texts(proxies.iter()))
    }
}

/// The hosts that clients may ask for. An empty list would refuse every request.
pub(super) struct Hosts;

impl Kind for Hosts {
    type Value = AllowedHosts;

    const SHAPE: Shape = Shape::OneOrMany(&Shape::Text);

    fn read(server: &mut Section<'_>, key: &'static str) -> Option<AllowedHosts> {
        const EMPTY: &str = "names no host; leave it out to allow any";
        let hosts = server.list(key, |node| some(node, EMPTY), allowed_host);
        hosts.map(AllowedHosts::from_iter)
    }

    fn print(hosts: &AllowedHosts) -> Option<Value> {
        hosts.iter().map(texts)
    }
}

/// Reads an array with an item at least, or in its place the item.
fn some(node: Node, empty: &str) -> Result<Vec<Node>, String> {
    match node.items_or_one()? {
        none if none.is_empty() => Err(empty.to_owned()),
        some => Ok(some),
    }
}

/// An address without a name to look up.
pub(in crate::config) struct Address;

impl Plain for Address {
    type Value = SocketAddr;

    const SHAPE: Shape = Shape::Text;

    fn read(node: Node) -> Result<SocketAddr, String> {
        let address = node.text()?.parse();
        address
            .map_err(|_| "not an IP address with a port; write it like 127.0.0.1:8080".to_owned())
    }

    fn print(address: &SocketAddr) -> Value {
        address.to_string().into()
    }
}

/// The name in challenges.
pub(super) struct RealmName;

impl Plain for RealmName {
    type Value = Realm;

    const SHAPE: Shape = Shape::Text;

    fn read(node: Node) -> Result<Realm, String> {
        Realm::new(&node.text()?).map_err(|error| error.to_string())
    }

    fn print(realm: &Realm) -> Value {
        realm.as_str().into()
    }
}

/// Load balancers look more often than this.
pub(super) type ShutdownDelay = Between<0, 600>;

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

/// How many threads there are.
pub(super) struct Workers;

impl Plain for Workers {
    type Value = NonZeroUsize;

    const SHAPE: Shape = Shape::Integer {
        from: 1,
        to: MOST_WORKERS as u64,
    };

    fn read(node: Node) -> Result<NonZeroUsize, String> {
        let workers = usize::try_from(node.integer()?).ok();
        let workers = workers.filter(|workers| *workers <= MOST_WORKERS);
        let workers = workers.and_then(NonZeroUsize::new);
        workers.ok_or_else(|| {
            format!("must be from 1 to {MOST_WORKERS}; leave it out for one per processor")
        })
    }

    fn print(workers: &NonZeroUsize) -> Value {
        i64::try_from(workers.get()).unwrap_or(i64::MAX).into()
    }
}

/// More than any machine has processors.
const MOST_WORKERS: usize = 1024;

/// The mode of a socket's file, in the digits of `chmod`.
pub(super) struct Mode;

impl Plain for Mode {
    type Value = u32;

    const SHAPE: Shape = Shape::Text;

    fn read(node: Node) -> Result<u32, String> {
        let text = node.text()?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o777 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(mode),
            _ => Err("not the mode of a file; write it as for chmod, like \"660\"".to_owned()),
        }
    }

    fn print(mode: &u32) -> Value {
        format!("{mode:o}").into()
    }
}

fn listen_address(node: Node) -> Result<ListenAddress, String> {
    let address = node.text()?.parse();
    address.map_err(|error: InvalidListenAddress| error.to_string())
}

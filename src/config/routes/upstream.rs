//! The addresses of a route's tool, and how they are reached.

use std::path::PathBuf;

use rustls::pki_types::ServerName;

use crate::config::ghes::ca_file;
use crate::config::reader::duration::{Timeout, TimeoutOrNone};
use crate::config::reader::kind::Shape;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys, table};
use crate::upstream::{InvalidUpstreamUrl, UpstreamTimeouts, UpstreamTls, UpstreamUrl};

/// Reads the addresses of a route; there may be none where it is for those who ask alone.
pub(super) fn read(route: &mut Section<'_>, may_be_absent: bool) -> Option<Vec<UpstreamUrl>> {
    if !may_be_absent || route.has("upstream") {
        let example = "upstream = \"http://127.0.0.1:3000\"";
        return route.required("upstream", example, addresses);
    }
    // The key is known, here or not.
    route.take("upstream");
    for key in OF_AN_UPSTREAM {
        if route.has(key) {
            route.refuse(key, format!("has no effect without upstream; drop {key}"));
        }
    }
    Some(Vec::new())
}

/// The keys that say how an upstream is spoken to.
const OF_AN_UPSTREAM: [&str; 4] = ["host", "rewrite_redirects", "strip_prefix", "timeouts"];

/// Reads one address, or several of equal rights.
fn addresses(node: Node) -> Result<Vec<UpstreamUrl>, String> {
    let items = node.items_or_one()?;
    if items.is_empty() {
        return Err("names no address; write [\"http://127.0.0.1:3000\"]".to_owned());
    }
    let count = items.len();
    let mut addresses = Vec::with_capacity(count);
    for (index, item) in items.into_iter().enumerate() {
        let address = item.text().and_then(|text| {
            let address = text.parse();
            address.map_err(|error: InvalidUpstreamUrl| error.to_string())
        });
        let which = |message| match count {
            1 => message,
            _ => format!("address {}: {message}", index + 1),
        };
        let address = address.map_err(which)?;
        if addresses.contains(&address) {
            return Err(format!("{address} is listed twice; keep one"));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// Reads `[routes.upstream_tls]`. `upstreams` is none where they could not be read themselves.
pub(super) fn tls(
    route: &mut Section<'_>,
    upstreams: Option<&[UpstreamUrl]>,
) -> Option<Option<UpstreamTls>> {
    let is_given = route.has("upstream_tls");
    let is_https = upstreams.is_some_and(|all| all.iter().any(UpstreamUrl::is_https));
    if !is_given && !is_https {
        return Some(None);
    }
    let tls = route.section("upstream_tls", tls_of);
    if upstreams.is_some() && !is_https {
        route.refuse(
            "upstream_tls",
            "no upstream of this route is https://; drop it",
        );
    }
    tls.map(Some)
}

/// The keys of `[routes.upstream_tls]`.
pub(in crate::config) const TLS_KEYS: &[Key] = keys! {
    /// PEM, added to the system's roots
    ca_file: Shape::Text, shown "/etc/ssl/corp-ca.pem";
    /// proves to the upstream that the gate asks
    client_cert_file: Shape::Text, shown "/etc/gate/client.crt";
    client_key_file: Shape::Text, shown "/etc/gate/client.key";
    /// the name in the certificate; absent: the host of upstream
    server_name: Shape::Text, shown "tool.internal";
    /// true: anyone in between can play the upstream; for tests only
    danger_accept_invalid_certs: Shape::Boolean, default false;
};

fn tls_of(tls: &mut Section<'_>) -> Option<UpstreamTls> {
    let ca_file = tls.optional("ca_file", ca_file);
    let server_name = tls.optional("server_name", server_name);
    let (cert, key) = ("client_cert_file", "client_key_file");
    let client_cert_file = tls.optional(cert, path);
    let client_key_file = tls.optional(key, path);
    for (one, other, is_alone) in [
        (
            cert,
            key,
            client_cert_file.is_some() && client_key_file.is_none(),
        ),
        (
            key,
            cert,
            client_key_file.is_some() && client_cert_file.is_none(),
        ),
    ] {
        if is_alone {
            tls.refuse(one, format!("has no effect alone; set {other}, too"));
        }
    }
    let danger_accept_invalid_certs = tls.flag("danger_accept_invalid_certs");
    let identity = client_cert_file.zip(client_key_file);
    UpstreamTls::new(ca_file, identity, server_name, danger_accept_invalid_certs)
        .map_err(|message| tls.refuse(cert, message))
        .ok()
}

fn path(node: Node) -> Result<PathBuf, String> {
    node.text().map(PathBuf::from)
}

fn server_name(node: Node) -> Result<ServerName<'static>, String> {
    let name = node.text()?;
    ServerName::try_from(name).map_err(|_| "not a host name; write the name alone".to_owned())
}

table! {
    /// `[routes.timeouts]`; the defaults and their reasons stand with [`UpstreamTimeouts`].
    pub(in crate::config) struct RouteTimeouts for UpstreamTimeouts {
        /// for the upstream to accept a connection
        connect: Timeout;
        /// from the end of a request to the head of its response; 0s sets no limit
        response: TimeoutOrNone;
        /// of silence on a WebSocket; 0s sets no limit
        idle: TimeoutOrNone;
    }
}

use crate::config::reader::duration::{timeout, timeout_or_none};
use crate::config::reader::number::{COUNT, Range, number_within};
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::server::{InvalidListenAddress, Limits, ListenAddress, Timeouts};
use crate::upstream::UpstreamLimits;

/// Reads the connections' part of `[server.limits]`; the defaults and their reasons stand with
/// [`Limits`].
pub(in crate::config) fn limits(limits: &mut Section<'_>) -> Limits {
    let mut read = Limits::default();
    let keys = [
        ("connections", &mut read.connections, COUNT),
        (
            "connections_per_client",
            &mut read.connections_per_client,
            COUNT,
        ),
        ("requests_per_client", &mut read.requests_per_client, COUNT),
        (
            "streams_per_connection",
            &mut read.streams_per_connection,
            COUNT,
        ),
        ("head_fields", &mut read.head_fields, HEAD_FIELDS),
        ("head_bytes", &mut read.head_bytes, HEAD_BYTES),
        ("target_bytes", &mut read.target_bytes, TARGET_BYTES),
    ];
    for (key, limit, range) in keys {
        let within = |node| number_within(node, range);
        *limit = limits.optional(key, within).unwrap_or(*limit);
    }
    let h2_head_bytes = |node| number_within(node, HEAD_BYTES);
    read.h2_head_bytes = limits.optional("h2_head_bytes", h2_head_bytes);
    if read.target_bytes > read.head_bytes {
        limits.refuse("target_bytes", TARGET_BEYOND_HEAD);
    }
    read
}

/// Reads the upstreams' part of `[server.limits]`; the default and its reason stand with
/// [`UpstreamLimits`].
pub(in crate::config) fn upstream_limits(limits: &mut Section<'_>) -> UpstreamLimits {
    let mut read = UpstreamLimits::default();
    let within = |node| number_within(node, COUNT);
    let connections = limits.optional("upstream_connections", within);
    read.connections = connections.unwrap_or(read.connections);
    read
}

/// Reads `[server.timeouts]`; the defaults and their reasons stand with [`Timeouts`].
pub(in crate::config) fn timeouts(timeouts: &mut Section<'_>) -> Option<Timeouts> {
    let mut read = Timeouts::default();
    let keys = [
        ("handshake", &mut read.handshake),
        ("head", &mut read.head),
        ("keep_alive", &mut read.keep_alive),
        ("body", &mut read.body),
        ("response", &mut read.response),
        ("drain", &mut read.drain),
    ];
    for (key, time) in keys {
        *time = timeouts.optional(key, timeout).unwrap_or(*time);
    }
    let total = timeouts.optional("body_total", timeout_or_none);
    read.body_total = total.unwrap_or(read.body_total);
    Some(read)
}

pub(in crate::config) fn listen_address(node: Node) -> Result<ListenAddress, String> {
    let address = node.text()?.parse();
    address.map_err(|error: InvalidListenAddress| error.to_string())
}

/// Reads the mode of a socket's file, in the digits of `chmod`.
pub(in crate::config) fn mode(node: Node) -> Result<u32, String> {
    let text = node.text()?;
    match u32::from_str_radix(&text, 8) {
        Ok(mode) if mode <= 0o777 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(mode),
        _ => Err("not the mode of a file; write it as for chmod, like \"660\"".to_owned()),
    }
}

/// With fewer, browsers are refused.
const HEAD_FIELDS: Range = Range { from: 20, to: 1000 };

/// hyper holds at least 8 KiB; and what one client may send, each of thousands may.
const HEAD_BYTES: Range = Range {
    from: 8 * 1024,
    to: 256 * 1024,
};

/// With fewer, forms of search pages are refused; `http` holds no more.
const TARGET_BYTES: Range = Range {
    from: 1024,
    to: 65_534,
};

const TARGET_BEYOND_HEAD: &str =
    "is more than head_bytes, which includes the target; raise that, too";

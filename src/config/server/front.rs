use std::num::NonZeroU32;

use crate::bearer::BearerOptions;
use crate::config::ServerConfig;
use crate::config::reader::duration::{Timeout, TimeoutOrNone};
use crate::config::reader::kind::Optional;
use crate::config::reader::number::{Count, Within};
use crate::config::reader::section::Section;
use crate::config::reader::table::{Table, table};
use crate::gatekeeper::ClientLimit;
use crate::server::Timeouts;

table! {
    /// `[server.limits]`; the defaults and their reasons stand with the parts that keep them.
    pub(in crate::config) struct ServerLimits for ServerConfig {
        /// from one client; a /64 of IPv6 is one client
        unknown_tokens_per_second => client_limit.per_second: Count;
        /// absent: four times the above;
        /// raise both if all clients come through one load balancer
        unknown_tokens_burst => client_limit.burst: Count, shown 200;
        /// further clients wait
        connections => limits.connections: Count;
        /// further ones are closed; a /64 of IPv6 is one client
        connections_per_client => limits.connections_per_client: Count;
        /// at once, over all its connections; further ones get 429
        requests_per_client => limits.requests_per_client: Count;
        /// to one address of an upstream; with HTTP/2, its requests; further
        /// requests wait, clients in turn, and get 503 after 5s
        upstream_connections => upstream_limits.connections: Count;
        /// requests at once on one HTTP/2 connection
        streams_per_connection => limits.streams_per_connection: Count;
        /// of a request; more get 431
        head_fields => limits.head_fields: HeadFields;
        /// of a request, as HTTP/1.1 writes it; more get 431
        head_bytes => limits.head_bytes: HeadBytes;
        /// of an HTTP/2 request, uncompressed, plus 32 for each field;
        /// absent: what the two above need
        h2_head_bytes => limits.h2_head_bytes: Optional<HeadBytes>, shown 47008;
        /// of a request's path and query; more get 414
        target_bytes => limits.target_bytes: TargetBytes;
        /// of a token; more get 401
        token_bytes: TokenBytes;
    }
}

/// With fewer, browsers are refused.
type HeadFields = Within<20, 1000>;

/// hyper holds at least 8 KiB; and what one client may send, each of thousands may.
type HeadBytes = Within<{ 8 * 1024 }, { 256 * 1024 }>;

/// With fewer, forms of search pages are refused; `http` holds no more.
type TargetBytes = Within<1024, 65_534>;

/// GitHub's tokens have up to 255 bytes by its word, and each byte of a made-up one is hashed.
type TokenBytes = Within<255, 65_536>;

impl ServerLimits {
    /// Reads the table, and holds its keys against each other.
    pub(in crate::config) fn read_whole(server: &mut ServerConfig, limits: &mut Section<'_>) {
        let has_burst = limits.has("unknown_tokens_burst");
        Self::read_over(server, limits);
        if !has_burst {
            server.client_limit = ClientLimit::per_second(server.client_limit.per_second);
        }
        if server.limits.target_bytes > server.limits.head_bytes && !limits.is_refused("head_bytes")
        {
            limits.refuse("target_bytes", TARGET_BEYOND_HEAD);
        }
    }
}

const TARGET_BEYOND_HEAD: &str =
    "is more than head_bytes, which includes the target; raise that, too";

pub(super) const DEFAULT_TOKEN_BYTES: NonZeroU32 = {
    let bytes = BearerOptions::DEFAULT_MAX_LENGTH;
    NonZeroU32::new(bytes as u32).expect("not zero")
};

table! {
    /// `[server.timeouts]`; the defaults and their reasons stand with [`Timeouts`].
    pub(in crate::config) struct ServerTimeouts for Timeouts {
        /// for a TLS handshake
        handshake: Timeout;
        /// for the head of a request
        head: Timeout;
        /// between two requests of a connection
        keep_alive: Timeout;
        /// between two pieces of a request's body
        body: Timeout;
        /// for the whole body of a request; 0s sets no limit
        body_total: TimeoutOrNone;
        /// while a client reads nothing of a response
        response: Timeout;
        /// for requests in progress at shutdown
        drain: Timeout;
    }
}

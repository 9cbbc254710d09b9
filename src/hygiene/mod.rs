//! Rules for messages between a client and a tool, independent of any decision: RFC 9110 and 9112,
//! and the mistakes of lenient parsers. It knows no token and no route.

pub(crate) mod allowed_hosts;
pub(crate) mod dotted;
pub(crate) mod hop_by_hop;
pub(crate) mod names;
pub(crate) mod provenance;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod response;
pub(crate) mod stripped_header;
pub(crate) mod trailers;
pub(crate) mod trusted_proxies;
pub(crate) mod via;

//! What must hold of messages between a client and a tool, whatever anybody decides about them:
//! RFC 9110 and 9112, and what sloppy readers make of them. It knows no token and no route.

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

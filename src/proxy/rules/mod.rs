//! What the configuration says about requests, and nothing that outlives it.

pub(super) mod asked_host;
pub(super) mod cors;
pub(super) mod destination;
pub(super) mod metadata;
pub(super) mod prefix;
pub(super) mod presented;
pub(super) mod routes;
pub(super) mod webdav;

//! How a call gets to GHES and its reply back.

pub(super) mod cause;
pub(super) mod connection;
pub(super) mod connector;
pub(super) mod content;
pub(super) mod error_body;
pub(super) mod https;
pub(super) mod lenient;
pub(super) mod limits;
pub(super) mod redirect;
pub(super) mod reply;
pub(super) mod resolver;
pub(super) mod scope_headers;
pub(super) mod transport;
pub(super) mod watched_stream;

//! The door of clients: from a request to its response.

pub(in crate::proxy) mod access_log;
pub(in crate::proxy) mod answering;
pub(in crate::proxy) mod context;
pub(in crate::proxy) mod forward;
mod subprotocol;
pub(in crate::proxy) mod unreadable;

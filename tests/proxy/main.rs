//! The proxy over sockets: what upstreams get, and what clients get.
#![cfg(all(feature = "emulator", feature = "proxy"))]

mod connections;
mod cross_talk;
mod forwarding;
mod hostile;
mod lifetime;
mod streaming;
mod support;
mod upstreams;
mod websocket;

/// From GitHub's documents.
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

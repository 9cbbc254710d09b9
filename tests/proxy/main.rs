//! The proxy over sockets: what upstreams get, and what clients get.
#![cfg(all(feature = "emulator", feature = "proxy"))]

#[macro_use]
mod carrier;
mod admin;
mod ambiguous_paths;
mod apps;
mod assertion;
mod basic;
mod bounds;
mod callers;
mod catalogue;
mod connections;
mod corpus;
mod cors;
mod cross_talk;
mod decisions;
mod details;
mod draining;
mod explain;
mod forwarding;
mod fronts;
mod grpc;
mod handshakes;
mod hostile;
mod inputs;
mod invariants;
mod lifetime;
mod login;
mod mcp;
mod metadata;
mod metrics;
mod observe;
mod peers;
mod people;
mod probes;
mod properties;
mod provenance;
mod real_clients;
mod real_fronts;
mod real_paths;
mod real_peers;
mod real_tools;
mod real_upstreams;
mod recorder;
mod routes;
mod streaming;
mod streaming_http2;
mod support;
mod timeouts;
mod tls;
mod tools;
mod unreadable;
mod upstreams;
mod webdav;
mod webhook;
mod websocket;
mod websocket_frames;
mod websocket_http2;
mod websocket_protocol;
mod wire;

/// From GitHub's documents.
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

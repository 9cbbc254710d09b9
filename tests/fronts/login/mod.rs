//! Browsers log in where a server asks the gate, each started on its own file of
//! `examples/fronts/login`.
//!
//! `HAProxy` has no such file, and Apache needs none: it sends everything through the gate.

#[path = "../../proxy/login/browser.rs"]
mod browser;
mod days;
mod files;
mod mistakes;
mod scene;

use std::net::SocketAddr;

use crate::message::Message;

/// Makes one test of each function for each server with a file.
macro_rules! every_login {
    ($($row:ident),+ $(,)?) => {
        $(every_front!(@ $row
            nginx Nginx, caddy Caddy, debians_caddy DebiansCaddy, traefik Traefik,
            envoy_http EnvoyHttp, envoy_grpc EnvoyGrpc);)+
    };
}
use every_login;

const TOOL: &str = "https://tools.example.com";
const CLIENT_ID: &str = "abcde12345fghij67890";

/// Sends a request on a connection of its own.
async fn exchange(to: SocketAddr, request: &str) -> String {
    let Message { line, fields, body } = crate::message::exchange(to, request).await;
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("{line}\r\n{}\r\n{body}", fields.concat())
}

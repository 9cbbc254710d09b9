//! The door of other people's proxies: what they ask, and what they get.

mod dialects;
mod ext_authz;
mod observe;
mod same;
mod words;

use ghes_gatekeeper::emulator::Fault;

use super::TOKEN;
use super::support::{Client, Gate};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// What stands before each configuration.
const TRUSTED: &str = "[server]\ntrusted_proxies = ['127.0.0.1']\n[decisions]\nlisten = \
                       '127.0.0.1:0'\noauth2_auth = 'oauth2-proxy'\n";

/// Every way to ask, but for Envoy's by gRPC.
pub(crate) const DOORS: [Door; 6] = [
    Door::Nginx,
    Door::NginxInParts,
    Door::Traefik,
    Door::Caddy,
    Door::Envoy,
    Door::OAuth2Proxy,
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Door {
    Nginx,
    NginxInParts,
    Traefik,
    Caddy,
    Envoy,
    OAuth2Proxy,
}

/// A request that a proxy holds.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) target: &'a str,
    /// The client's own lines, each with its end.
    pub(crate) lines: &'a str,
}

impl Held<'static> {
    pub(crate) const GET: Self = Held {
        method: "GET",
        host: "tools.example.com",
        target: "/",
        lines: "",
    };
}

impl Door {
    /// Whether it says the method.
    pub(crate) fn has_method(self) -> bool {
        self != Self::OAuth2Proxy
    }

    /// Writes the question as the proxy of this door does. The client's own lines come first, as
    /// nginx has them.
    fn question(self, held: &Held<'_>) -> String {
        let Held {
            method,
            host,
            target,
            lines,
        } = held;
        let (asks, own, tells) = match self {
            Self::Nginx => (
                "GET /auth/nginx".to_owned(),
                "gate".to_owned(),
                format!(
                    "X-Original-Method: {method}\r\nX-Original-URL: https://{host}{target}\r\n"
                ),
            ),
            Self::NginxInParts => (
                "GET /auth/nginx".to_owned(),
                "gate".to_owned(),
                format!(
                    "X-Original-Method: {method}\r\nX-Original-Proto: https\r\n\
                     X-Original-Host: {host}\r\nX-Original-URI: {target}\r\n"
                ),
            ),
            Self::Traefik | Self::Caddy => (
                format!("GET /auth/{}?a=b", format!("{self:?}").to_lowercase()),
                "gate".to_owned(),
                format!(
                    "X-Forwarded-Method: {method}\r\nX-Forwarded-Proto: https\r\n\
                     X-Forwarded-Host: {host}\r\nX-Forwarded-Uri: {target}\r\n"
                ),
            ),
            Self::Envoy => (
                format!("{method} /auth/envoy{target}"),
                (*host).to_owned(),
                "Content-Length: 0\r\n".to_owned(),
            ),
            Self::OAuth2Proxy => (
                "GET /oauth2/auth".to_owned(),
                (*host).to_owned(),
                format!("X-Forwarded-Uri: {target}\r\n"),
            ),
        };
        format!("{asks} HTTP/1.1\r\nHost: {own}\r\n{lines}{tells}\r\n")
    }

    pub(crate) async fn ask(self, client: &mut Client, held: &Held<'_>) -> String {
        client.exchange(&self.question(held)).await
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The values of a field, in order.
pub(crate) fn all<'a>(response: &'a str, name: &str) -> Vec<&'a str> {
    let head = response.split("\r\n\r\n").next().unwrap_or_default();
    let fields = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value).collect()
}

pub(crate) fn only<'a>(response: &'a str, name: &str) -> &'a str {
    let all = all(response, name);
    assert_eq!(all.len(), 1, "{name} in {response}");
    all[0]
}

/// GHES answers nothing but this from now on.
fn outage(gate: &Gate) {
    gate.ghes
        .fail(Fault::status(http::StatusCode::BAD_GATEWAY).times(u64::MAX));
}

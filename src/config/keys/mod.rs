//! Every table of the configuration, and what is written about its keys.

mod example;
mod schema;

use super::Config;
use super::admin::AdminConfig;
use super::assertion::AssertionConfig;
use super::authorization_server::AuthorizationServerConfig;
use super::cache::Cache;
use super::decisions::{CallerConfig, Decisions, TokenReviewConfig};
use super::ghes::limits::GhesLimits;
use super::ghes::{AppConfig, GhesConfig};
use super::reader::table::{Key, Table};
use super::routes::upstream::{self, RouteTimeouts};
use super::routes::{Admittance, CorsAnswers, ResourceConfig, RouteConfig};
use super::server::front::{ServerLimits, ServerTimeouts};
use super::server::{Server, tls};
use super::session::SessionConfig;
use super::webhook::WebhookConfig;

/// A table as it stands in the file.
pub(super) struct Listed {
    /// As `[server.limits]`, or `[[routes]]` where there may be several.
    pub(super) header: &'static str,
    doc: &'static [&'static str],
    keys: &'static [Key],
    /// Further ones, some of which other tables have, too.
    further: &'static [&'static [Key]],
    is_aside: bool,
}

/// In the order of the example.
pub(super) const TABLES: &[Listed] = &[
    Listed::new("", &[], Config::KEYS),
    Listed::new("[server]", &[], Server::KEYS),
    Listed::new(
        "[server.tls]",
        &["absent: none; not for Unix sockets"],
        tls::KEYS,
    ),
    Listed::new("[server.limits]", &[], ServerLimits::KEYS),
    Listed::new("[server.timeouts]", &[], ServerTimeouts::KEYS),
    Listed::new(
        "[admin]",
        &["absent: whoever reaches admin_listen may purge and reload"],
        AdminConfig::KEYS,
    ),
    Listed::new(
        "[ghes]",
        &["or several [[ghes]], each with apps and limits of its own"],
        GhesConfig::KEYS,
    ),
    Listed::new(
        "[[ghes.apps]]",
        &["one or more; tokens of other apps are rejected"],
        AppConfig::KEYS,
    ),
    Listed::new(
        "[ghes.limits]",
        &[
            "for all apps of the server together",
            "a share of each but queue is reserved for renewals of known tokens",
        ],
        GhesLimits::KEYS,
    ),
    Listed::new("[cache]", &[], Cache::KEYS),
    Listed::new(
        "[route_defaults]",
        &[
            "for all routes that do not say otherwise: any key of theirs but name, path,",
            "exact, hosts, methods and anonymous",
        ],
        &[],
    )
    .aside(),
    Listed::new(
        "[[routes]]",
        &["one or more, in any order; a request without a matching route gets 404"],
        RouteConfig::KEYS,
    )
    .and(&[Admittance::KEYS, RouteConfig::FURTHER_KEYS]),
    Listed::new("[routes.timeouts]", &[], RouteTimeouts::KEYS),
    Listed::new(
        "[routes.cors]",
        &["in place of cors = \"...\": the gate answers"],
        CorsAnswers::KEYS,
    )
    .aside(),
    Listed::new(
        "[routes.resource]",
        &["absent: none; RFC 9728, by which MCP clients find GHES"],
        ResourceConfig::KEYS,
    )
    .aside(),
    Listed::new(
        "[routes.upstream_tls]",
        &["only where upstream is https://"],
        upstream::TLS_KEYS,
    )
    .aside(),
    Listed::new(
        "[decisions]",
        &[
            "absent: none; for proxies that ask about requests instead of sending them",
            "through: at /auth/nginx, /auth/traefik, /auth/caddy, /auth/envoy",
        ],
        Decisions::KEYS,
    ),
    Listed::new("[decisions.tls]", &["as [server.tls]"], tls::KEYS),
    Listed::new(
        "[[decisions.callers]]",
        &["absent: none; who may ask at /introspect and /token-review"],
        CallerConfig::KEYS,
    )
    .and(&[Admittance::KEYS]),
    Listed::new(
        "[decisions.token_review]",
        &["what a Kubernetes API server is told"],
        TokenReviewConfig::KEYS,
    ),
    Listed::new(
        "[session]",
        &["absent: none; how browsers log in, on routes with login = true"],
        SessionConfig::KEYS,
    )
    .aside(),
    Listed::new(
        "[authorization_server]",
        &["absent: none; RFC 8414 metadata about the login of GHES, which has none"],
        AuthorizationServerConfig::KEYS,
    ),
    Listed::new("[webhook]", &["absent: none"], WebhookConfig::KEYS),
    Listed::new(
        "[assertion]",
        &["absent: upstreams learn the user from plain headers alone"],
        AssertionConfig::KEYS,
    )
    .aside(),
];

impl Listed {
    const fn new(header: &'static str, doc: &'static [&'static str], keys: &'static [Key]) -> Self {
        Self {
            header,
            doc,
            keys,
            further: &[],
            is_aside: false,
        }
    }

    const fn and(mut self, further: &'static [&'static [Key]]) -> Self {
        self.further = further;
        self
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        let further = self.further.iter().copied().flatten();
        self.keys.iter().chain(further)
    }

    /// The example shows the table behind `#`: it does not go together with the others.
    const fn aside(mut self) -> Self {
        self.is_aside = true;
        self
    }
}

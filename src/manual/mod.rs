//! The manual: one chapter for each task.
//!
//! | chapter | about |
//! |---|---|
//! | [In a Rust app](mod@rust_app) | policies, several apps, tests, examples |
//! | [In front of any tool](mod@proxy) | headers, kinds of upstreams, timeouts, redirects, WebSockets, cost |
//! | [Configuration](mod@configuration) | the file, the environment, github.com, HTTP proxies |
//! | [Routes](mod@routes) | several tools by host, path and method |
//! | [Who may enter](mod@who_may_enter) | scopes, people, organizations, teams; why a request is rejected |
//! | [Apps and servers](mod@apps_and_servers) | tokens of several apps, and of several GHES |
//! | [Tokens](mod@tokens) | cache, revocation, purging, GHES's webhook |
//! | [Outages](mod@outages) | what works while GHES is down, and how it is protected |
//! | [Listening](mod@listening) | TLS, HTTP/2, Unix sockets, limits, load balancers |
//! | [Operations](mod@operations) | probes, metrics, log, shutdown, new secrets |
//! | [Signed identity](mod@signed_identity) | for tools that cannot trust their network |
//! | [Introspection and Kubernetes](mod@introspection) | for gateways, frameworks and API servers that ask about tokens |
//! | [Other clients](mod@clients) | git, pip, npm and others with passwords; browsers' WebSockets; web pages of other origins (CORS); MCP clients |
//! | [Commands and GHES client](mod@commands) | manage tokens from the command line, or from Rust |
//! | [Emulator](mod@emulator) | a GHES for development and tests |
//! | [Security](mod@security) | what the gate promises and refuses, and what you must do |
//!
//! The [README](https://crates.io/crates/ghes-gatekeeper) says what this is and how to try it. The
//! modules of the [crate] are the reference.

#[doc = include_str!("rust_app.md")]
pub mod rust_app {}

#[doc = include_str!("proxy.md")]
pub mod proxy {}

#[doc = include_str!("configuration.md")]
pub mod configuration {}

#[doc = include_str!("routes.md")]
pub mod routes {}

#[doc = include_str!("who_may_enter.md")]
pub mod who_may_enter {}

#[doc = include_str!("apps_and_servers.md")]
pub mod apps_and_servers {}

#[doc = include_str!("tokens.md")]
pub mod tokens {}

#[doc = include_str!("outages.md")]
pub mod outages {}

#[doc = include_str!("listening.md")]
pub mod listening {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("signed_identity.md")]
pub mod signed_identity {}

#[doc = include_str!("introspection.md")]
pub mod introspection {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[doc = include_str!("emulator.md")]
pub mod emulator {}

#[doc = include_str!("security.md")]
pub mod security {}

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
//! | [Proxies that ask](mod@fronts) | nginx, HAProxy, Caddy, Traefik, Envoy, Kubernetes; leaving ingress-nginx |
//! | [Operations](mod@operations) | probes, metrics, log, shutdown, new secrets |
//! | [Signed identity](mod@signed_identity) | for tools that cannot trust their network |
//! | [Introspection and Kubernetes](mod@introspection) | for gateways, frameworks and API servers that ask about tokens |
//! | [Other clients](mod@clients) | git, pip, npm and others with passwords; browsers' WebSockets; web pages of other origins (CORS); MCP clients |
//! | [Browsers log in](mod@login) | sessions without a store; what a browser gets; signing out; keys |
//! | [Moving from oauth2-proxy](mod@moving_from_oauth2_proxy) | what changes, and a key for each of its settings |
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

#[doc = include_str!("fronts.md")]
#[doc = "# The files"]
#[doc = "\n## nginx.conf\n```nginx"]
#[doc = include_str!("../../examples/fronts/nginx.conf")]
#[doc = "```"]
#[doc = "\n## haproxy.cfg\n```haproxy"]
#[doc = include_str!("../../examples/fronts/haproxy.cfg")]
#[doc = "```"]
#[doc = "\n## gate.lua\n```lua"]
#[doc = include_str!("../../examples/fronts/gate.lua")]
#[doc = "```"]
#[doc = "\n## Caddyfile\n```text"]
#[doc = include_str!("../../examples/fronts/Caddyfile")]
#[doc = "```"]
#[doc = "\n## traefik.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/traefik.yaml")]
#[doc = "```"]
#[doc = "\n## traefik-routes.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/traefik-routes.yaml")]
#[doc = "```"]
#[doc = "\n## envoy-grpc.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/envoy-grpc.yaml")]
#[doc = "```"]
#[doc = "\n## envoy-http.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/envoy-http.yaml")]
#[doc = "```"]
#[doc = "\n## apache.conf\n```apache"]
#[doc = include_str!("../../examples/fronts/apache.conf")]
#[doc = "```"]
#[doc = "\n## kubernetes-gate.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/kubernetes-gate.yaml")]
#[doc = "```"]
#[doc = "\n## gateway-api.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/gateway-api.yaml")]
#[doc = "```"]
#[doc = "\n## envoy-gateway.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/envoy-gateway.yaml")]
#[doc = "```"]
#[doc = "\n## istio.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/istio.yaml")]
#[doc = "```"]
#[doc = "\n## contour.yaml\n```yaml"]
#[doc = include_str!("../../examples/fronts/contour.yaml")]
#[doc = "```"]
pub mod fronts {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("signed_identity.md")]
pub mod signed_identity {}

#[doc = include_str!("introspection.md")]
pub mod introspection {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("login.md")]
pub mod login {}

#[doc = include_str!("moving_from_oauth2_proxy.md")]
pub mod moving_from_oauth2_proxy {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[doc = include_str!("emulator.md")]
pub mod emulator {}

#[doc = include_str!("security.md")]
pub mod security {}

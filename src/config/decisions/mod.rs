mod callers;
#[cfg(test)]
mod tests;
mod token_review;
mod warnings;

use std::num::NonZeroU32;

use super::ghes::servers::Servers;
use super::reader::kind::{Plain, Shape};
use super::reader::section::Section;
use super::reader::source::Node;
use super::reader::table::{Table, table};
use super::server::kinds::Listen;
use super::server::{ServerConfig, is_twin, tls};
use crate::config::reader::kind::Optional;
use crate::fronts::{Dialect, UnknownDialect};
use crate::server::{CertificateFiles, ListenAddress};

pub use self::callers::CallerConfig;
pub(crate) use self::token_review::RESERVED;
pub use self::token_review::TokenReviewConfig;

/// `[decisions]`: for those who ask about requests instead of sending them through.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DecisionsConfig {
    /// The addresses to listen on; at least one. Required.
    pub listen: Vec<ListenAddress>,
    /// What `/oauth2/auth` speaks. Absent: nothing, and it is not there.
    pub oauth2_auth: Option<Dialect>,
    /// The certificate for those who ask over an IP address. Absent: they are served without TLS.
    pub tls: Option<CertificateFiles>,
    /// Those who may ask whose a token is. Absent: nobody, and there are neither `/introspect` nor
    /// `/token-review`.
    pub callers: Vec<CallerConfig>,
    /// What Kubernetes is told about people.
    pub token_review: TokenReviewConfig,
}

table! {
    /// `[decisions]` itself.
    pub(in crate::config) struct Decisions for DecisionsConfig {
        /// HTTP/1.1, HTTP/2 and gRPC; or several, or "unix:/run/ghes-gatekeeper/decisions.sock"
        listen: Listen, shown "127.0.0.1:8081";
        /// what /oauth2/auth speaks: oauth2-proxy (its own nginx snippet),
        /// nginx, traefik or caddy; absent: 404
        oauth2_auth: Optional<AtOldPath>, shown "oauth2-proxy";
    }
}

impl DecisionsConfig {
    /// How many connections there may be. A proxy has as many as it has requests under way that no
    /// answer has come for, and each is answered within seconds.
    pub(crate) const CONNECTIONS: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");

    /// How many of them one address may have that is not a trusted proxy's: those who ask whose a
    /// token is need few, and nobody else is answered.
    pub(crate) const CONNECTIONS_OF_A_STRANGER: NonZeroU32 =
        NonZeroU32::new(128).expect("not zero");

    /// Returns the first address that is listened on for clients, too.
    pub(super) fn twin_of(&self, server: &ServerConfig) -> Option<&ListenAddress> {
        let is_taken = |own: &&ListenAddress| server.listen.iter().any(|other| is_twin(own, other));
        self.listen.iter().find(is_taken)
    }

    pub(super) fn read(decisions: &mut Section<'_>, servers: Servers<'_>) -> Option<Self> {
        let mut read = Self::default();
        Decisions::read_over(&mut read, decisions);
        if read.listen.is_empty() && !decisions.is_refused("listen") {
            decisions.refuse("listen", MISSING_LISTEN);
        }
        read.tls = decisions.optional_section("tls", tls::read);
        let has_callers = decisions.has("callers");
        read.callers = callers::read(decisions, servers);
        let review = decisions.optional_section("token_review", TokenReviewConfig::read);
        if review.is_some() && !has_callers {
            decisions.refuse("token_review", NO_CALLERS);
        }
        read.token_review = review.unwrap_or_default();
        Some(read)
    }
}

/// The dialect at the path of oauth2-proxy. Envoy puts what it asks about behind a prefix.
struct AtOldPath;

impl Plain for AtOldPath {
    type Value = Dialect;

    const SHAPE: Shape = Shape::Words(&["oauth2-proxy", "nginx", "traefik", "caddy"]);

    fn read(node: Node) -> Result<Dialect, String> {
        let dialect = node.text()?.parse();
        match dialect.map_err(|error: UnknownDialect| error.to_string())? {
            Dialect::Envoy => Err(ENVOY_HAS_A_PREFIX.to_owned()),
            dialect => Ok(dialect),
        }
    }

    fn print(dialect: &Dialect) -> toml::Value {
        dialect.as_str().into()
    }
}

const NO_CALLERS: &str = "has no effect without [[decisions.callers]]; add one, or drop it";

const MISSING_LISTEN: &str = "missing; write listen = \"127.0.0.1:8081\"";

const ENVOY_HAS_A_PREFIX: &str =
    "envoy needs a path_prefix; have it ask at /auth/envoy, and drop this or name another";

use super::ghes::servers::Servers;
use super::reader::section::Section;
use super::reader::source::Node;
use super::routes::parsed;
use super::routes::public_url::PublicUrl;
use crate::config::reader::kind::Shape;
use crate::config::reader::table::{Key, keys};
use crate::scope::{Scope, Scopes};

/// `[authorization_server]`: what clients are told about GHES, which does not tell it itself, as
/// RFC 8414 has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationServerConfig {
    /// The address under which the gate tells it: one of the gate's own. Required.
    pub issuer: PublicUrl,
    /// The [name](super::GhesConfig::name) of the server that it tells about. Absent: the only
    /// one; required where there are several.
    pub ghes: String,
    /// The scopes that clients may want to ask for. Absent: they are not told.
    pub scopes_supported: Scopes,
    /// Whether GHES checks PKCE (RFC 7636) by S256. Absent: no, for no release up to 3.22 says so.
    /// Some clients want none but servers that do.
    pub pkce: bool,
}

impl AuthorizationServerConfig {
    /// The keys of `[authorization_server]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// the URL by which clients know this gate
        issuer: Shape::Text, shown "https://tools.example.com";
        /// the server it describes; may be left out if there is one
        ghes: Shape::Text, shown "ghes.example.com";
        /// scopes that clients may ask for
        scopes_supported: Shape::List(&Shape::Text), default [];
        /// true if GHES checks S256; some clients require it
        pkce: Shape::Boolean, default false;
    };

    pub(super) fn read(server: &mut Section<'_>, servers: Servers<'_>) -> Option<Self> {
        let example = "issuer = \"https://tools.example.com\"";
        let issuer = server.required("issuer", example, parsed::<PublicUrl>);
        let ghes = servers.pick(server, "it describes one server");
        let scopes = server.list("scopes_supported", Node::items, parsed::<Scope>);
        let pkce = server.flag("pkce");
        Some(Self {
            issuer: issuer?,
            ghes: ghes?.name.clone(),
            scopes_supported: scopes.into_iter().flatten().collect(),
            pkce,
        })
    }
}

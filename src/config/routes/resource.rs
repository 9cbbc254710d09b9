use super::public_url::PublicUrl;
use crate::config::reader::kind::Shape;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::scope::{Scope, Scopes};

use super::parsed;

/// `[routes.resource]`: what a route tells clients about itself before they have a token, as
/// RFC 9728 has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceConfig {
    /// The address by which clients know the route. Required.
    pub url: PublicUrl,
    /// What people are shown. Absent: nothing.
    pub name: Option<String>,
    /// Where clients get a token. Absent: `authorization_server.issuer`, if it tells about the
    /// route's server, or else that server's `url`.
    pub authorization_servers: Vec<PublicUrl>,
    /// The scopes that clients may want to ask for. Absent: those that the route asks for.
    pub scopes_supported: Option<Scopes>,
}

impl ResourceConfig {
    /// The keys of `[routes.resource]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// the URL by which clients know this route
        url: Shape::Text, shown "https://tools.example.com/mcp";
        /// shown to people
        name: Shape::Text, shown "Build tools";
        /// absent: issuer below, or the route's GHES
        authorization_servers: Shape::List(&Shape::Text), shown ["https://tools.example.com"];
        /// absent: scopes and scopes_any
        scopes_supported: Shape::List(&Shape::Text), shown ["read:org"];
    };

    pub(super) fn read(resource: &mut Section<'_>) -> Option<Self> {
        let example = "url = \"https://tools.example.com/mcp\"";
        let url = resource.required("url", example, parsed::<PublicUrl>);
        let name = resource.optional("name", Node::text);
        let servers = "authorization_servers";
        let servers = resource.list(servers, Node::items, parsed::<PublicUrl>);
        let scopes = resource.list("scopes_supported", Node::items, parsed::<Scope>);
        Some(Self {
            url: url?,
            name,
            authorization_servers: servers.unwrap_or_default(),
            scopes_supported: scopes.map(Scopes::from_iter),
        })
    }
}

//! The proxy by which a server is reached.

use secrecy::ExposeSecret;

use crate::config::reader::secret;
use crate::config::reader::section::Section;
use crate::connect::ProxyVariables;
use crate::ghes::{GhesUrl, InvalidProxyUrl, ProxyUrl};

/// Reads `proxy` or `proxy_file`; where both are absent, the environment says which proxy it is.
///
/// The address may hold a password, so it is read as secrets are, and quoted nowhere.
pub(in crate::config) fn read(
    ghes: &mut Section<'_>,
    url: Option<&GhesUrl>,
    variables: &ProxyVariables,
) -> Option<ProxyUrl> {
    let key = match ghes.has(FILE_KEY) {
        true => FILE_KEY,
        false => KEY,
    };
    if !ghes.has(key) {
        // Known keys are those that were asked for.
        secret::optional(ghes, KEY, FILE_KEY);
        let proxy = variables.proxy_of(url?);
        return proxy.unwrap_or_else(|error| {
            let cure = "write \"none\" to reach GHES without a proxy";
            ghes.refuse(
                KEY,
                format!("absent, and the environment's {error}; {cure}"),
            );
            None
        });
    }
    let text = secret::optional(ghes, KEY, FILE_KEY)?;
    match text.text.expose_secret() {
        NONE => None,
        text => text
            .parse()
            .map_err(|error: InvalidProxyUrl| ghes.refuse(key, error.to_string()))
            .ok(),
    }
}

const KEY: &str = "proxy";
const FILE_KEY: &str = "proxy_file";

/// What reaches a server directly, whatever the environment says.
pub(in crate::config) const NONE: &str = "none";

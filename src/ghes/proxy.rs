//! Which proxy leads to a GHES.

use std::env;

use http::Uri;

use super::url::GhesUrl;
use crate::connect::{InvalidProxyVariable, ProxyUrl, ProxyVariables};

impl ProxyUrl {
    /// Returns the proxy by which this process's environment has `url` reached; none if directly.
    ///
    /// Of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY`, the first that is not empty
    /// counts, as with curl. Reached directly are the hosts in `no_proxy` or `NO_PROXY` (names with
    /// all below them, addresses, networks as in `10.0.0.0/8`, each with a port or without, or `*`),
    /// this machine itself, and a server whose URL is `http://`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidProxyVariable`] if the variable that counts names no proxy that can be used.
    pub fn from_environment(url: &GhesUrl) -> Result<Option<Self>, InvalidProxyVariable> {
        // What is no UTF-8 names no host.
        let values = ProxyVariables::NAMES.map(|name| (name, env::var(name).unwrap_or_default()));
        ProxyVariables::of(values).proxy_of(url)
    }
}

impl ProxyVariables {
    /// Returns the proxy by which the API of a server is reached.
    pub(crate) fn proxy_of(&self, url: &GhesUrl) -> Result<Option<ProxyUrl>, InvalidProxyVariable> {
        let root: Uri = url.api_root().parse().expect("the root of an API is a URL");
        self.proxy_for(&root)
    }
}

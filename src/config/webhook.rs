use std::net::SocketAddr;

use secrecy::SecretString;

use super::reader::secret::{self, SecretFile};
use super::reader::section::Section;
use super::server::address;

/// `[webhook]`: where GHES reports that somebody revoked the app's authorization.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// The address that GHES can reach. Required.
    pub listen: SocketAddr,
    /// The secret in the webhook settings of the app, from `secret` or the file `secret_file`.
    /// Required: without it, anybody could report anything.
    pub secret: SecretString,
    /// Where it is read again, if it comes from a file.
    pub(crate) secret_file: Option<SecretFile>,
}

impl WebhookConfig {
    pub(super) fn read(webhook: &mut Section<'_>) -> Option<Self> {
        let listen = webhook.required("listen", "listen = \"0.0.0.0:8082\"", address);
        let secret = secret::required(webhook, "secret", "secret_file");
        let (listen, secret) = (listen?, secret?);
        Some(Self {
            listen,
            secret: secret.text,
            secret_file: secret.file,
        })
    }
}

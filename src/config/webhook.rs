use std::net::SocketAddr;

use secrecy::SecretString;

use super::reader::secret::{self, Length, SecretFile};
use super::reader::section::Section;
use super::server::kinds::Address;
use crate::config::reader::kind::{Plain, Shape};
use crate::config::reader::table::{Key, keys};

/// `[webhook]`: where GHES reports that a user revoked the app's authorization.
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
    /// The keys of `[webhook]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// GHES must reach it; the URL may have any path
        listen: Address::SHAPE, shown "0.0.0.0:8082";
        /// or secret = "..."
        secret_file: Shape::Text, shown "/run/secrets/webhook-secret";
        secret: Shape::Text;
    };

    pub(super) fn read(webhook: &mut Section<'_>) -> Option<Self> {
        let listen = webhook.required("listen", "listen = \"0.0.0.0:8082\"", Address::read);
        let secret = secret::required(webhook, "secret", "secret_file", Length::Any);
        let (listen, secret) = (listen?, secret?);
        Some(Self {
            listen,
            secret: secret.text,
            secret_file: secret.file,
        })
    }
}

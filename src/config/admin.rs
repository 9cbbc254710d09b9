use secrecy::SecretString;

use super::reader::secret::{self, Length, SecretFile};
use super::reader::section::Section;
use crate::config::reader::kind::Shape;
use crate::config::reader::table::{Key, keys};

/// `[admin]`: who may change something at `server.admin_listen`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminConfig {
    /// What purges and reloads have to bring as `Authorization: Bearer`, from `secret` or the file
    /// `secret_file`. Required.
    pub secret: SecretString,
    /// Where it is read again, if it comes from a file.
    pub(crate) secret_file: Option<SecretFile>,
}

impl AdminConfig {
    /// The keys of `[admin]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// or secret = "..."; 32 characters or more
        secret_file: Shape::Text, shown "/run/secrets/admin";
        secret: Shape::Text;
    };

    pub(super) fn read(admin: &mut Section<'_>) -> Option<Self> {
        let secret = secret::required(admin, "secret", "secret_file", Length::Digits32)?;
        Some(Self {
            secret: secret.text,
            secret_file: secret.file,
        })
    }
}

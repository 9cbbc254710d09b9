use secrecy::{ExposeSecret, SecretString};

use crate::config::ghes::servers::Servers;
use crate::config::reader::kind::Shape;
use crate::config::reader::secret::{self, Length, SecretFile};
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::config::routes::Admittance;

/// `[[decisions.callers]]`: those who may ask whose a token is, and about which tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallerConfig {
    /// Its name: the user name where it authenticates by Basic, and in the log. Required.
    pub id: String,
    /// What it proves itself with, from `secret` or the file `secret_file`. Required.
    pub secret: SecretString,
    /// Where the secret is read again, if it comes from a file.
    pub(crate) secret_file: Option<SecretFile>,
    /// The tokens that are active for it, by the same keys as on a route.
    pub admittance: Admittance,
}

impl CallerConfig {
    /// The keys of `[[decisions.callers]]` before those of [`Admittance`].
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// its user name for Basic, and its name in the log
        id: Shape::Text, shown "apisix";
        /// its password, or its bearer token; or secret = "..."
        secret_file: Shape::Text, shown "/run/secrets/apisix";
        secret: Shape::Text;
    };

    fn read(caller: &mut Section<'_>, servers: Servers<'_>, earlier: &[Self]) -> Option<Self> {
        let id = caller.required("id", "id = \"apisix\"", id);
        let secret = secret::required(caller, "secret", "secret_file", Length::Digits32);
        let admittance = Admittance::read(caller, servers, false);
        let (id, secret) = (id?, secret?);
        if let Some(at) = earlier.iter().position(|other| other.id == id) {
            let message = format!("is that of decisions.callers[{at}] too; rename one");
            caller.refuse("id", message);
        }
        let is_same = |other: &Self| other.secret.expose_secret() == secret.text.expose_secret();
        if let Some(at) = earlier.iter().position(is_same) {
            let message = format!(
                "has the secret of decisions.callers[{at}], so that a bearer token would be both; \
                 give each its own"
            );
            let key = secret.file.as_ref().map_or("secret", |_| "secret_file");
            caller.refuse(key, message);
        }
        Some(Self {
            id,
            secret: secret.text,
            secret_file: secret.file,
            admittance,
        })
    }
}

/// Reads all callers and holds them against each other.
pub(super) fn read(decisions: &mut Section<'_>, servers: Servers<'_>) -> Vec<CallerConfig> {
    let mut callers = Vec::new();
    decisions.sections_if_any("callers", |caller| {
        callers.extend(CallerConfig::read(caller, servers, &callers));
        Some(())
    });
    callers
}

/// A user name of Basic ends with the first colon (RFC 7617 §2).
fn id(node: Node) -> Result<String, String> {
    let id = node.text()?;
    let is_legal = |b: u8| b.is_ascii_graphic() && b != b':';
    match (1..=64).contains(&id.len()) && id.bytes().all(is_legal) {
        true => Ok(id),
        false => Err("not 1 to 64 visible ASCII characters without a colon".to_owned()),
    }
}

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use super::reader::section::Section;
use super::reader::source::Node;
use crate::assertion::KeyFiles;
use crate::assertion::Signer;
use crate::config::reader::duration::Between;
use crate::config::reader::kind::{Plain, Shape};
use crate::config::reader::table::{Key, keys};
use crate::upstream::UpstreamUrl;

/// `[assertion]`: how the proxy signs an identity, so that upstreams can tell it from a forged one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssertionConfig {
    /// What the gate calls itself, its URL. Required.
    pub issuer: String,
    /// The keys, of which the first signs, from `key_files`. Required.
    pub key_files: KeyFiles,
    /// How long an assertion may be used. Absent: [`Signer::DEFAULT_MAX_AGE`].
    pub max_age: Duration,
    /// Whether clients of the gate, too, get the public keys. Absent: no.
    pub publish: bool,
}

impl AssertionConfig {
    /// Tells whether both sign the same with the keys of the same files.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.key_files.paths() == other.key_files.paths()
            && self.max_age == other.max_age
            && self.publish == other.publish
    }

    /// The keys of `[assertion]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        issuer: Shape::Text, shown "https://gate.example.com";
        /// PKCS#8, Ed25519 or P-256; the first key signs, all are
        /// published; read again when they change
        key_files: Shape::OneOrMany(&Shape::Text), shown ["/etc/gate/assertion.pem"];
        /// how long an assertion is valid; 5m at most
        max_age: MaxAge::SHAPE, default "60s";
        /// true: the gate serves /.well-known/jwks.json to its clients, too
        publish: Shape::Boolean, default false;
    };

    /// Reads the files once, because keys that cannot sign would surface as refused requests.
    pub(super) fn read(assertion: &mut Section<'_>) -> Option<Self> {
        let example = "issuer = \"https://gate.example.com\"";
        let issuer = assertion.required("issuer", example, issuer);
        let example = "key_files = [\"/etc/gate/assertion.pem\"]";
        let key_files = assertion.required("key_files", example, key_files);
        let max_age = assertion.optional("max_age", MaxAge::read);
        let publish = assertion.flag("publish");
        Some(Self {
            issuer: issuer?,
            key_files: key_files?,
            max_age: max_age.unwrap_or(Signer::DEFAULT_MAX_AGE),
            publish,
        })
    }
}

/// Reads the name that a route's upstream has in assertions; its address where it has no other.
///
/// `signs` tells whether anything is signed at all. None if nothing is signed for this route.
pub(super) fn audience(
    route: &mut Section<'_>,
    upstreams: Option<&[UpstreamUrl]>,
    signs: bool,
    anonymous: bool,
) -> Option<String> {
    if route.has("audience") {
        let audience = route.optional("audience", name);
        if anonymous {
            let cure = "drop audience or anonymous";
            route.refuse(
                "audience",
                format!("has no effect on an anonymous route; {cure}"),
            );
        } else if !signs {
            route.refuse(
                "audience",
                "has no effect without [assertion]; add that, or drop it",
            );
        }
        return audience;
    }
    // The key is known, here or not.
    route.take("audience");
    match upstreams? {
        _ if anonymous || !signs => None,
        [only] => Some(only.to_string()),
        _ => {
            let example = "audience = \"https://tool.example.com\"";
            let why = match upstreams {
                Some([]) => "missing; without upstream there is no address to take it from",
                _ => "missing; several upstreams need one name",
            };
            route.refuse("audience", format!("{why}; write {example}"));
            None
        }
    }
}

/// It is compared byte by byte, so it is taken as it stands.
fn issuer(node: Node) -> Result<String, String> {
    const MALFORMED: &str = "not a URL; write it like https://gate.example.com";
    let text = name(node)?;
    let url: Uri = text.parse().map_err(|_| MALFORMED)?;
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    if !is_web || url.query().is_some() || text.contains(['#', '@']) {
        return Err(MALFORMED.to_owned());
    }
    Ok(text)
}

fn name(node: Node) -> Result<String, String> {
    let name = node.text()?;
    let legal = |b: u8| b.is_ascii_graphic() && !b"\"\\".contains(&b);
    match name.bytes().all(legal) && (1..=255).contains(&name.len()) {
        true => Ok(name),
        false => Err("must be 1 to 255 visible ASCII characters, like a URL".to_owned()),
    }
}

fn key_files(node: Node) -> Result<KeyFiles, String> {
    let mut paths = Vec::new();
    for item in node.items_or_one()? {
        let path = PathBuf::from(item.text()?);
        if paths.contains(&path) {
            return Err(format!("{path:?} is listed twice; keep one"));
        }
        paths.push(path);
    }
    KeyFiles::read(paths).map_err(|error| error.to_string())
}

/// How long an assertion may be used.
type MaxAge = Between<1, { Signer::LONGEST_MAX_AGE.as_secs() }>;

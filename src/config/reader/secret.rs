use std::path::{Path, PathBuf};
use std::{fmt, fs};

use secrecy::{ExposeSecret, SecretString};

use super::section::Section;
use crate::watched::WatchedFiles;

/// A secret, and the file that it came from, if it came from one.
pub(in crate::config) struct Secret {
    pub(in crate::config) text: SecretString,
    pub(in crate::config) file: Option<SecretFile>,
}

/// The file that a secret is in, which may be replaced or edited while the gate runs.
///
/// `Debug` shows no path: it may be the secret, written under the wrong key.
#[derive(Clone)]
pub(crate) struct SecretFile {
    files: WatchedFiles,
    least: Length,
}

/// Tells whether two secrets come from the same file, or are the same: what is in a file by now is
/// read again as it changes.
pub(in crate::config) fn are_same(
    (ours, our_file): (&SecretString, Option<&SecretFile>),
    (theirs, their_file): (&SecretString, Option<&SecretFile>),
) -> bool {
    match (our_file, their_file) {
        (None, None) => ours.expose_secret() == theirs.expose_secret(),
        (ours, theirs) => ours == theirs,
    }
}

/// How long a secret has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Length {
    /// GHES makes it, or another place checks it.
    Any,
    /// Anybody may try to guess it, and it is made by those who configure the gate. RFC 6749 §10.10
    /// wants 128 bits, which is so many digits of `openssl rand -hex`.
    Digits32,
}

impl SecretFile {
    /// Reads a secret from a file.
    pub(crate) fn open(path: &str, least: Length) -> (Self, Result<SecretString, String>) {
        let files = WatchedFiles::new([PathBuf::from(path)]);
        let file = Self { files, least };
        let secret = file.read();
        (file, secret)
    }

    /// Reads the file again if it is another than before. What it must not hold is an error once.
    pub(crate) fn renew(&mut self) -> Option<Result<SecretString, String>> {
        self.files.have_changed().then(|| self.read())
    }

    fn read(&self) -> Result<SecretString, String> {
        let [path] = self.files.paths() else {
            return Err("names no file".to_owned());
        };
        from_file(path).and_then(|secret| self.least.check(secret))
    }
}

/// Two are the same if they have the same path, whatever is in the file by now.
impl PartialEq for SecretFile {
    fn eq(&self, other: &Self) -> bool {
        self.files.paths() == other.files.paths()
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretFile(..)")
    }
}

impl Length {
    fn check(self, secret: SecretString) -> Result<SecretString, String> {
        match self {
            Self::Digits32 if secret.expose_secret().len() < 32 => Err(GUESSED.to_owned()),
            Self::Any | Self::Digits32 => Ok(secret),
        }
    }
}

/// Reads a secret from `key` or from the file that `file_key` names. One must be there.
pub(in crate::config) fn required(
    section: &mut Section<'_>,
    key: &'static str,
    file_key: &'static str,
    least: Length,
) -> Option<Secret> {
    if !section.has(key) && !section.has(file_key) {
        section.refuse_missing(file_key, &format!("{file_key} = \"/run/secrets/...\""));
    }
    read(section, key, file_key, least)
}

/// Reads a secret that may be absent.
pub(in crate::config) fn optional(
    section: &mut Section<'_>,
    key: &'static str,
    file_key: &'static str,
) -> Option<Secret> {
    read(section, key, file_key, Length::Any)
}

fn read(
    section: &mut Section<'_>,
    key: &'static str,
    file_key: &'static str,
    least: Length,
) -> Option<Secret> {
    match (section.take(key), section.take(file_key)) {
        (Some(_), Some(_)) => {
            let (twin, place) = (section.path_of(key), section.place_of(key));
            // The variable or the line: with one in each, the key alone would not say which.
            let message = format!("{twin} is given too ({place}); keep one of them");
            section.refuse(file_key, message);
            None
        }
        (Some(node), None) => {
            let text = node.text().and_then(check);
            let text = note(section, key, text.and_then(|text| least.check(text)))?;
            Some(Secret { text, file: None })
        }
        (None, Some(node)) => {
            let path = node.text();
            let path = path.map_err(|message| section.refuse(file_key, message));
            let (file, text) = SecretFile::open(&path.ok()?, least);
            let text = note(section, file_key, text)?;
            let file = Some(file);
            Some(Secret { text, file })
        }
        (None, None) => None,
    }
}

fn note(
    section: &Section<'_>,
    key: &str,
    secret: Result<SecretString, String>,
) -> Option<SecretString> {
    secret.map_err(|message| section.refuse(key, message)).ok()
}

/// The path stays out of the message, for it may be the secret, written under the wrong key.
fn from_file(path: &Path) -> Result<SecretString, String> {
    let mut text =
        fs::read_to_string(path).map_err(|error| format!("cannot read this file: {error}"))?;
    // Editors and `echo` end the file with a line break that is no part of the secret.
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    check(text)
}

fn check(secret: String) -> Result<SecretString, String> {
    let secret = SecretString::from(secret);
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err("is empty; put the secret there".to_owned());
    }
    if text == REDACTED {
        return Err(
            "is the placeholder of a printed configuration; put the secret \
         there"
                .to_owned(),
        );
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds more than visible ASCII; put the secret alone there".to_owned());
    }
    if let Some(cure) = mistaken(text) {
        return Err(cure.to_owned());
    }
    Ok(secret)
}

/// Tells what is wrong with a text that stands for the secret, or has it in it: GHES would refuse
/// it, as a wrong secret.
fn mistaken(text: &str) -> Option<&'static str> {
    let is_in = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if is_in('"') || is_in('\'') {
        return Some("has quotes around it; leave them out");
    }
    if text.starts_with("${") && text.ends_with('}') {
        return Some("variables are not expanded here; put the secret into a file");
    }
    if text.starts_with("/run/") || text.starts_with("/etc/") || text.starts_with("/var/") {
        return Some("is a path; name files by the key that ends in _file");
    }
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let is_name = |b: u8| b.is_ascii_uppercase() || b == b'_';
    (name.contains("SECRET") && name.bytes().all(is_name))
        .then_some("has the name of a variable before it; put the secret alone there")
}

const GUESSED: &str =
    "has less than 32 characters, and could be guessed; make one with openssl rand -hex 32";

/// What is printed for a secret. It is no secret itself, and is refused as one.
pub(in crate::config) const REDACTED: &str = "[redacted]";

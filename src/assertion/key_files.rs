use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use super::{InvalidKey, SigningKeys};
use crate::watched::WatchedFiles;

/// The files of a gate's signing keys, and the keys last read from them.
///
/// `Debug` shows paths and the names of keys.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    files: WatchedFiles,
    keys: SigningKeys,
}

impl KeyFiles {
    /// Reads files, each with one or more keys in PEM. The first key of the first file signs.
    ///
    /// # Errors
    ///
    /// Returns [`KeyFileError`] if there is no file, or one cannot be read or holds no such keys.
    pub fn read(paths: Vec<PathBuf>) -> Result<Self, KeyFileError> {
        let files = WatchedFiles::new(paths);
        let keys = read_all(files.paths())?;
        Ok(Self { files, keys })
    }

    /// Returns the paths of the files.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        self.files.paths()
    }

    /// Returns the keys that were read.
    #[must_use]
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Reads the files again if they have changed. A read error is returned once.
    pub(crate) fn renew(&mut self) -> Option<Result<&SigningKeys, KeyFileError>> {
        if !self.files.have_changed() {
            return None;
        }
        Some(read_all(self.files.paths()).map(|keys| {
            self.keys = keys;
            &self.keys
        }))
    }
}

fn read_all(paths: &[PathBuf]) -> Result<SigningKeys, KeyFileError> {
    let mut joined: Option<SigningKeys> = None;
    for path in paths {
        let keys = read(path)?;
        joined = Some(match joined {
            Some(before) => before.followed_by(keys),
            None => keys,
        });
    }
    joined.ok_or(KeyFileError::NoFile)
}

fn read(path: &Path) -> Result<SigningKeys, KeyFileError> {
    let pem = fs::read(path).map_err(|error| KeyFileError::Unreadable(path.to_owned(), error))?;
    SigningKeys::from_pem(&pem).map_err(|error| KeyFileError::Invalid(path.to_owned(), error))
}

/// The error for files without usable signing keys.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// No file is named.
    NoFile,
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file has other content.
    Invalid(PathBuf, InvalidKey),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("names no file; write [\"/etc/gate/assertion.pem\"]"),
            Self::Unreadable(path, error) => write!(f, "cannot read {path:?}: {error}"),
            Self::Invalid(path, error) => write!(f, "{path:?} {error}"),
        }
    }
}

impl std::error::Error for KeyFileError {}

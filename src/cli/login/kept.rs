//! The tokens of `login`, in a file that its owner alone can read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ghes_gatekeeper::ghes::GhesUrl;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::cli::Failure;

/// A token, and what it is of. No `Debug`: it is a secret.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct KeptToken {
    /// As it was given to `login`.
    pub(crate) ghes: String,
    pub(crate) client_id: String,
    pub(crate) login: String,
    pub(crate) token: String,
}

/// Which token is meant.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) ghes: Option<&'a GhesUrl>,
    pub(crate) client_id: Option<&'a str>,
}

/// All tokens of a person on this machine.
pub(crate) struct Kept {
    path: PathBuf,
    tokens: Vec<KeptToken>,
}

impl Kept {
    /// Reads the file; none is as an empty one.
    pub(crate) fn open() -> Result<Self, Failure> {
        let path = folder()?.join("tokens.json");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let tokens = Vec::new();
                return Ok(Self { path, tokens });
            }
            Err(error) => return Err(failed(&path, error)),
        };
        // As ssh: what others can read may be known to others, and what they can write may be theirs.
        let metadata = file.metadata().map_err(|error| failed(&path, error))?;
        if metadata.mode() & 0o077 != 0 {
            let path = path.display();
            let text = format!("{path}: others may read it; run chmod 600 {path}, or log in again");
            return Err(Failure::usage(text));
        }
        let text = io::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|error| failed(&path, error))?;
        // The message of serde may quote a token.
        let tokens = serde_json::from_str(&text).map_err(|_| {
            let path = path.display();
            Failure::usage(format!("{path}: is not what login has written; delete it"))
        })?;
        Ok(Self { path, tokens })
    }

    /// Returns the only token that is meant, if there is one.
    pub(crate) fn find(&self, wanted: Wanted<'_>) -> Result<Option<&KeptToken>, Failure> {
        let mut found = self.tokens.iter().filter(|kept| wanted.is_met_by(kept));
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => {
                let all = self.tokens.iter().filter(|kept| wanted.is_met_by(kept));
                let all: Vec<String> = all.map(KeptToken::arguments).collect();
                let text = format!("several tokens are kept; give one of: {}", all.join("; "));
                Err(Failure::usage(text))
            }
        }
    }

    /// Keeps a token, in place of the one of the same app.
    pub(crate) fn keep(&mut self, token: KeptToken) -> Result<(), Failure> {
        self.tokens.retain(|kept| {
            let is_same = kept.is_at(&token.ghes) && kept.client_id == token.client_id;
            !is_same
        });
        self.tokens.push(token);
        self.write()
    }

    /// Forgets a token. Returns whether it was there.
    pub(crate) fn forget(&mut self, token: &str) -> Result<bool, Failure> {
        let before = self.tokens.len();
        self.tokens.retain(|kept| kept.token != token);
        let was_there = self.tokens.len() < before;
        if was_there {
            self.write()?;
        }
        Ok(was_there)
    }

    /// Writes another file, and puts it in place of the old one: nobody reads half of it.
    fn write(&self) -> Result<(), Failure> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        let written = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .and_then(|()| {
                let new = folder.join(format!("tokens.json.{}", std::process::id()));
                self.write_to(&new)
                    .and_then(|()| fs::rename(&new, &self.path))
                    .inspect_err(|_| {
                        // What is left of it is of no use to anybody.
                        let _ = fs::remove_file(&new);
                    })
            });
        written.map_err(|error| failed(&self.path, error))
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.tokens).map(Zeroizing::new)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&text)?;
        file.sync_all()
    }
}

impl KeptToken {
    fn is_at(&self, ghes: &str) -> bool {
        let (ours, theirs) = (self.ghes.parse::<GhesUrl>(), ghes.parse::<GhesUrl>());
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours.is_equivalent(&theirs))
    }

    /// What names it on a command line.
    fn arguments(&self) -> String {
        format!("--ghes {} --client-id {}", self.ghes, self.client_id)
    }
}

impl Wanted<'_> {
    fn is_met_by(&self, kept: &KeptToken) -> bool {
        let is_of_ghes = self.ghes.is_none_or(|ghes| kept.is_at(&ghes.to_string()));
        is_of_ghes && self.client_id.is_none_or(|id| kept.client_id == id)
    }
}

/// The folder for what lasts and is no configuration (XDG Base Directory Specification).
fn folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        // The specification wants relative ones ignored.
        path.filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME");
    let state = state.or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| Failure::usage("HOME: missing; set it, or XDG_STATE_HOME"))?;
    Ok(state.join("ghes-gatekeeper"))
}

fn failed(path: &Path, error: io::Error) -> Failure {
    Failure::running(&path.display().to_string(), error)
}

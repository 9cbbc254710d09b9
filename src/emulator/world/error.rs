//! What can be wrong with the text of a world.
use std::fmt;

/// The error of a text that is no [`World`](super::World).
///
/// Every message is one line, names the key and never shows a password, a secret or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// The text is not TOML, or a key is unknown, missing or of the wrong type.
    Syntax {
        /// The line, counted from 1; absent if a whole table is at fault.
        line: Option<usize>,
        /// The key, such as `users[0].login`; empty if the text is not TOML.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value that must be unique appears twice.
    Duplicate {
        /// The key of the later value.
        key: String,
        /// The key of the earlier value.
        first: String,
    },
    /// A token names an app that is not there.
    NoSuchApp {
        /// The key of the name.
        key: String,
        /// The client id that no app has.
        client_id: String,
    },
    /// A token names a user that is not there.
    NoSuchUser {
        /// The key of the name.
        key: String,
        /// The login that no user has.
        login: String,
    },
    /// A value is of the right type and still cannot be.
    Invalid {
        /// The key of the value.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl WorldError {
    pub(super) fn syntax(text: &str, key: String, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        Self::Syntax {
            line,
            key,
            problem: error.message().replace('\n', ", "),
        }
    }
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, key, problem } => {
                if let Some(line) = line {
                    write!(f, "line {line}: ")?;
                }
                if !key.is_empty() && key != "." {
                    write!(f, "{key}: ")?;
                }
                f.write_str(problem)
            }
            Self::Duplicate { key, first } => write!(f, "{key}: already taken by {first}"),
            Self::NoSuchApp { key, client_id } => {
                write!(f, "{key}: no app has the client id `{client_id}`")
            }
            Self::NoSuchUser { key, login } => write!(f, "{key}: no user has the login `{login}`"),
            Self::Invalid { key, problem } => write!(f, "{key}: {problem}"),
        }
    }
}

impl std::error::Error for WorldError {}

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::path::KeyPath;

/// Everything that is wrong with a configuration, in the order in which it stands there.
///
/// `Display` writes one line for each. No line holds a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Puts the mistakes of the file first, by line, then those of the environment.
    pub(in crate::config) fn new(mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        Self(errors)
    }

    /// Returns the mistakes; there is at least one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for ConfigErrors {}

/// One mistake: where it stands, which key it is about, and the cure.
///
/// `Display` writes them in this order, as in
/// `gatekeeper.toml:12: ghes.urll: unknown key; did you mean url?`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    place: Place,
    key: KeyPath,
    message: String,
}

impl ConfigError {
    pub(in crate::config) fn new(place: Place, key: KeyPath, message: impl Into<String>) -> Self {
        Self {
            place,
            key,
            message: message.into(),
        }
    }

    pub(in crate::config) fn place(&self) -> &Place {
        &self.place
    }

    /// Names the table that all items of an array share, in place of one of the items.
    pub(in crate::config) fn of_shared(self, array: &str, shared: &str) -> Self {
        let key = self.key.of_shared(array, shared).unwrap_or(self.key);
        Self { key, ..self }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::Nowhere {
            write!(f, "{}: ", self.place)?;
        }
        if !self.key.is_root() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {}

/// Where a value stands. The order is the one in which mistakes are listed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::config) enum Place {
    Line(Arc<str>, usize),
    /// Somewhere in the file: what is missing has no line.
    File(Arc<str>),
    Variable(Arc<str>),
    /// A table or an array that is there only because this variable lies below it.
    Implied(Arc<str>),
    /// Missing where there is no file.
    Nowhere,
}

impl Place {
    pub(in crate::config) fn is_variable(&self) -> bool {
        matches!(self, Self::Variable(_))
    }

    pub(in crate::config) fn is_implied(&self) -> bool {
        matches!(self, Self::Implied(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::File(file) => f.write_str(file),
            Self::Variable(name) | Self::Implied(name) => f.write_str(name),
            Self::Nowhere => f.write_str("no configuration file"),
        }
    }
}

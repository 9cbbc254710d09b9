//! What is wrong so far, and where the keys that are known belong.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::error::{ConfigError, Place};
use super::path::{KeyPath, PREFIX};

/// Collects the mistakes while sections are read.
///
/// A key that is unknown where it stands may be known elsewhere, as one that slipped below the
/// wrong header. That can be told only when all has been read, so such mistakes wait until then.
pub(in crate::config) struct Report {
    errors: RefCell<Vec<ConfigError>>,
    strays: RefCell<Vec<Stray>>,
    /// Every table and key that was asked for, whether it is there or not.
    asked: RefCell<Vec<(KeyPath, &'static str)>>,
}

/// A key that its own table does not know.
struct Stray {
    place: Place,
    path: KeyPath,
    key: String,
}

impl Report {
    pub(in crate::config) fn new(errors: Vec<ConfigError>) -> Self {
        Self {
            errors: RefCell::new(errors),
            strays: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    pub(in crate::config) fn note(&self, error: ConfigError) {
        self.errors.borrow_mut().push(error);
    }

    /// Notes that a table has a key.
    pub(in crate::config) fn note_asked(&self, table: &KeyPath, key: &'static str) {
        self.asked.borrow_mut().push((table.clone(), key));
    }

    /// Notes an unknown `key`, at or around `path`, that resembles none beside it.
    pub(in crate::config) fn note_stray(&self, place: Place, path: KeyPath, key: &str) {
        let key = key.to_owned();
        self.strays.borrow_mut().push(Stray { place, path, key });
    }

    #[cfg(test)]
    pub(in crate::config) fn asked(self) -> Vec<(KeyPath, &'static str)> {
        self.asked.into_inner()
    }

    pub(in crate::config) fn into_errors(self) -> Vec<ConfigError> {
        let asked = self.asked.into_inner();
        let strays = self.strays.into_inner().into_iter();
        let strays = strays.map(|stray| stray.into_error(&asked));
        let mut errors = self.errors.into_inner();
        errors.extend(strays);
        errors
    }
}

impl Stray {
    fn into_error(self, asked: &[(KeyPath, &'static str)]) -> ConfigError {
        let cure = match self.variable(asked) {
            Some(name) => format!("; did you mean {name}, with two underscores between levels?"),
            None => self.homes(asked),
        };
        ConfigError::new(self.place, self.path, format!("unknown key{cure}"))
    }

    /// Returns the variable that was meant if only underscores are missing.
    fn variable(&self, asked: &[(KeyPath, &'static str)]) -> Option<String> {
        let Place::Variable(name) = &self.place else {
            return None;
        };
        let plain = |name: &str| name.replace("__", "_");
        let mut variables = asked.iter().map(|(table, key)| table.key(key).variable());
        variables.find(|known| plain(known) == plain(name) && known.len() > PREFIX.len())
    }

    /// Tells which other tables know the key.
    fn homes(&self, asked: &[(KeyPath, &'static str)]) -> String {
        let homes = asked.iter().filter(|(_, key)| *key == self.key);
        let homes: BTreeSet<String> = homes.map(|(table, _)| home(table)).collect();
        if homes.is_empty() {
            return String::new();
        }
        let homes: Vec<String> = homes.into_iter().collect();
        format!(" here; it belongs {}", homes.join(" or "))
    }
}

fn home(table: &KeyPath) -> String {
    match table.header() {
        Some(header) => format!("to {header}"),
        None => "to the top of the file".to_owned(),
    }
}

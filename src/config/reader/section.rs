//! A table whose keys are taken out one by one, so that what is left over is unknown.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::error::{ConfigError, Place};
use super::path::KeyPath;
use super::report::Report;
use super::source::{Node, Value};

/// The keys of one table that were not asked for yet, and those that were.
///
/// A key is known because it was asked for, so no list of known keys can fall behind the code.
/// Nothing here fails: a mistake is noted in `report`, and reading goes on to find the next.
pub(in crate::config) struct Section<'e> {
    path: KeyPath,
    place: Place,
    rest: BTreeMap<String, Node>,
    asked: BTreeMap<&'static str, Place>,
    refused: RefCell<BTreeSet<String>>,
    report: &'e Report,
}

impl<'e> Section<'e> {
    /// Reads a table with `read`, then refuses what `read` did not ask for.
    ///
    /// `outer` is where the table around it stands.
    pub(in crate::config) fn read<T>(
        path: KeyPath,
        node: Node,
        outer: &Place,
        report: &'e Report,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let place = node.place.clone();
        let refuse = |message| {
            let error = ConfigError::new(place.clone(), path.clone(), message);
            report.note(error);
        };
        let rest = node.entries().map_err(refuse).ok()?;
        // A key that is missing is not the fault of the variable beside it.
        let place = if place.is_implied() {
            outer.clone()
        } else {
            place
        };
        let mut section = Self {
            path,
            place,
            rest,
            asked: BTreeMap::new(),
            refused: RefCell::default(),
            report,
        };
        let value = read(&mut section);
        section.refuse_the_rest();
        value
    }

    /// Takes out a key's value. Whether it is there or not, the key is known from now on.
    pub(in crate::config) fn take(&mut self, key: &'static str) -> Option<Node> {
        let node = self.rest.remove(key);
        let place = node.as_ref().map_or(&self.place, |node| &node.place);
        self.asked.insert(key, place.clone());
        self.report.note_asked(&self.path, key);
        node
    }

    /// Tells whether a key is there and was not taken out yet.
    pub(in crate::config) fn has(&self, key: &str) -> bool {
        self.rest.contains_key(key)
    }

    /// Tells whether a key is there, was not taken out yet, and is a table.
    pub(in crate::config) fn has_table(&self, key: &str) -> bool {
        let node = self.rest.get(key);
        node.is_some_and(|node| matches!(node.value, Value::Table(_)))
    }

    /// Tells the same of an array.
    pub(in crate::config) fn has_array(&self, key: &str) -> bool {
        let node = self.rest.get(key);
        node.is_some_and(|node| matches!(node.value, Value::Array(_)))
    }

    /// Reads a key that may be absent.
    pub(in crate::config) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Node) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        read(node).map_err(|message| self.refuse(key, message)).ok()
    }

    /// Reads a key that must be there; `example` is the line to write where it is not.
    pub(in crate::config) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(Node) -> Result<T, String>,
    ) -> Option<T> {
        let is_absent = !self.has(key);
        let value = self.optional(key, read);
        if is_absent {
            self.refuse_missing(key, example);
        }
        value
    }

    /// Reads a switch that is off where it is absent.
    pub(in crate::config) fn flag(&mut self, key: &'static str) -> bool {
        self.optional(key, Node::boolean).unwrap_or_default()
    }

    /// Reads an array that may be absent, and every item of it.
    pub(in crate::config) fn list<T>(
        &mut self,
        key: &'static str,
        items: impl FnOnce(Node) -> Result<Vec<Node>, String>,
        read: impl Fn(Node) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let items = self.optional(key, items)?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let place = item.place.clone();
            match read(item) {
                Ok(value) => values.push(value),
                Err(message) => {
                    self.refused.borrow_mut().insert(key.to_owned());
                    let path = self.path.key(key).item(index);
                    self.note(ConfigError::new(place, path, message));
                }
            }
        }
        Some(values)
    }

    /// Reads a table below this one. An absent one is read as empty.
    pub(in crate::config) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let node = self
            .take(key)
            .unwrap_or_else(|| Node::empty(self.place.clone()));
        Self::read(self.path.key(key), node, &self.place, self.report, read)
    }

    /// Reads a table below this one that may be absent.
    pub(in crate::config) fn optional_section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(key)?;
        Self::read(self.path.key(key), node, &self.place, self.report, read)
    }

    /// Reads an array of tables, of which there must be one; `first` is the key to begin with.
    pub(in crate::config) fn sections<T>(
        &mut self,
        key: &'static str,
        first: &str,
        read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        let path = self.path.key(key);
        let is_absent = !self.has(key);
        let tables = self.optional(key, Node::items);
        if is_absent || tables.as_ref().is_some_and(Vec::is_empty) {
            let variable = path.item(0).key(first).variable();
            let table = path.table();
            let cure = format!("begin with [[{table}]] and its {first}, or set {variable}");
            self.refuse(key, format!("missing; {cure}"));
        }
        self.read_items(&path, tables, read)
    }

    /// Reads an array of tables that may be absent or empty.
    pub(in crate::config) fn sections_if_any<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        let tables = self.optional(key, Node::items);
        self.read_items(&self.path.key(key), tables, read)
    }

    fn read_items<T>(
        &self,
        path: &KeyPath,
        tables: Option<Vec<Node>>,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        let tables = tables.into_iter().flatten().enumerate();
        tables
            .filter_map(|(index, node)| {
                Self::read(path.item(index), node, &self.place, self.report, &mut read)
            })
            .collect()
    }

    /// Returns the full name of a key.
    pub(in crate::config) fn path_of(&self, key: &str) -> KeyPath {
        self.path.key(key)
    }

    /// Returns where a key stands, or where it would have to.
    pub(in crate::config) fn place_of(&self, key: &str) -> &Place {
        self.asked.get(key).unwrap_or(&self.place)
    }

    /// Tells whether a mistake in a key is noted. Rules across keys ask before they judge by its
    /// value, which is only the default then.
    pub(in crate::config) fn is_refused(&self, key: &str) -> bool {
        self.refused.borrow().contains(key)
    }

    /// Notes a mistake in a key.
    pub(in crate::config) fn refuse(&self, key: &str, message: impl Into<String>) {
        self.refused.borrow_mut().insert(key.to_owned());
        let place = self.place_of(key).clone();
        self.note(ConfigError::new(place, self.path.key(key), message));
    }

    /// Notes a mistake in the table itself.
    pub(in crate::config) fn refuse_whole(&self, message: &str) {
        self.note(ConfigError::new(
            self.place.clone(),
            self.path.clone(),
            message,
        ));
    }

    /// Notes that a key should be there; `example` is the line to write.
    pub(in crate::config) fn refuse_missing(&self, key: &str, example: &str) {
        let variable = self.path.key(key).variable();
        self.refuse(key, format!("missing; write {example}, or set {variable}"));
    }

    fn refuse_the_rest(mut self) {
        for (key, node) in std::mem::take(&mut self.rest) {
            let meant = closest(&key, self.asked.keys().copied());
            let cure = meant.map(|known| format!("unknown key; did you mean {known}?"));
            self.refuse_unknown(&key, self.path.key(&key), node, cure.as_deref());
        }
    }

    /// Names the variables below a table that only the environment has: the file has no such table.
    fn refuse_unknown(&self, unknown: &str, path: KeyPath, node: Node, message: Option<&str>) {
        match node.value {
            Value::Table(entries) if node.place.is_implied() => {
                for (key, node) in entries {
                    self.refuse_unknown(unknown, path.key(&key), node, message);
                }
            }
            Value::Array(items) if node.place.is_implied() => {
                for (index, node) in items.into_iter().enumerate() {
                    self.refuse_unknown(unknown, path.item(index), node, message);
                }
            }
            _ => match message {
                Some(message) => self.note(ConfigError::new(node.place, path, message)),
                None => self.report.note_stray(node.place, path, unknown),
            },
        }
    }

    fn note(&self, error: ConfigError) {
        self.report.note(error);
    }
}

/// Returns the known key that was probably meant: at most two slips away, and fewer in a word
/// so short that two would make any word of it.
pub(in crate::config) fn closest<'k>(
    key: &str,
    known: impl Iterator<Item = &'k str>,
) -> Option<&'k str> {
    let slips_allowed = if key.len() < 5 { 1 } else { 2 };
    known
        .map(|known| (strsim::levenshtein(key, known), known))
        .filter(|(slips, _)| *slips <= slips_allowed)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_suggested_only_if_it_is_close() {
        let known = ["url", "client_id", "client_secret"];
        for (key, meant) in [
            ("urll", Some("url")),
            ("ulr", None),
            ("clientid", Some("client_id")),
            ("client_secert", Some("client_secret")),
            ("api", None),
            ("user", None),
        ] {
            assert_eq!(closest(key, known.into_iter()), meant, "{key}");
        }
    }
}

//! Variables laid over the file's values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{ConfigError, Place};
use super::path::{HIDDEN, KeyPath, PREFIX, is_name};
use super::source::{Node, Value};

/// Writes every variable of ours into the tree, over what the file says there.
pub(in crate::config) fn overlay(
    root: &mut Node,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Vec<ConfigError> {
    let mut variables: Vec<Variable> = environment
        .into_iter()
        .filter_map(|(name, text)| Variable::ours(&name, text))
        .collect();
    // Outer keys come before inner ones, and item 2 before item 10: an array grows at its end.
    variables.sort_by(|a, b| a.steps.cmp(&b.steps));
    variables
        .into_iter()
        .filter_map(|variable| variable.write_into(root).err())
        .collect()
}

struct Variable {
    name: Arc<str>,
    steps: Vec<Step>,
    text: String,
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Step {
    Index(usize),
    Key(String),
}

impl Variable {
    fn ours(name: &str, text: String) -> Option<Self> {
        let levels = name.strip_prefix(PREFIX)?;
        if is_service_link(levels, &text) {
            return None;
        }
        let mut levels = levels.split("__");
        // The top of the configuration is no array.
        let first = levels.next().map(Step::key);
        Some(Self {
            name: name.into(),
            steps: first.into_iter().chain(levels.map(Step::new)).collect(),
            text,
        })
    }

    fn write_into(self, root: &mut Node) -> Result<(), ConfigError> {
        let shown = shown(&self.name);
        let place = Place::Variable(Arc::clone(&shown));
        let implied = Place::Implied(shown);
        let mut key = KeyPath::default();
        // Taking both cases would let two variables set one key.
        if self.name.bytes().any(|b| b.is_ascii_lowercase()) {
            return Err(ConfigError::new(place, key, "write it in capitals"));
        }
        let mut node = root;
        for step in &self.steps {
            if let Some(cure) = node.is_counted_otherwise(&key, step) {
                return Err(ConfigError::new(place, step.below(&key), cure));
            }
            key = step.below(&key);
            node = node
                .descend(step, &implied)
                .map_err(|message| ConfigError::new(place.clone(), key.clone(), message))?;
        }
        node.value = Value::Text(self.text);
        node.place = place;
        Ok(())
    }
}

/// The name as it may be repeated: a level that can be no key may be a secret.
fn shown(name: &Arc<str>) -> Arc<str> {
    let levels = name.strip_prefix(PREFIX).unwrap_or_default().split("__");
    let is_plain =
        |level: &str| level.parse::<usize>().is_ok() || is_name(&level.to_ascii_lowercase());
    let shown = levels.map(|level| if is_plain(level) { level } else { HIDDEN });
    let shown: Vec<&str> = shown.collect();
    format!("{PREFIX}{}", shown.join("__")).into()
}

impl Step {
    fn new(level: &str) -> Self {
        match level.parse::<usize>() {
            // `0` and `00` would be two names for one item.
            Ok(index) if index.to_string() == level => Self::Index(index),
            _ => Self::key(level),
        }
    }

    fn key(level: &str) -> Self {
        Self::Key(level.to_ascii_lowercase())
    }

    fn below(&self, path: &KeyPath) -> KeyPath {
        match self {
            Self::Index(index) => path.item(*index),
            Self::Key(key) => path.key(key),
        }
    }
}

impl Node {
    /// Goes one level down, making room for it where the file has something else or nothing.
    fn descend(&mut self, step: &Step, implied: &Place) -> Result<&mut Self, String> {
        if self.is_replaceable() {
            self.become_parent_of(step, implied);
        }
        match (&mut self.value, step) {
            (Value::Table(entries), Step::Key(key)) => Ok(entries
                .entry(key.clone())
                .or_insert_with(|| Self::empty(implied.clone()))),
            (Value::Array(items), Step::Index(index)) => {
                let count = items.len();
                if *index == count {
                    items.push(Self::empty(implied.clone()));
                }
                items
                    .get_mut(*index)
                    .ok_or_else(|| format!("items are numbered without gaps; the next is {count}"))
            }
            _ => Err(format!("contradicts {}; keep one of them", self.place)),
        }
    }

    /// Tells what to write where the file has one server and the variable numbers it, or the
    /// reverse: taken as a new beginning, it would drop all that the file says about servers.
    fn is_counted_otherwise(&self, path: &KeyPath, step: &Step) -> Option<String> {
        if *path != KeyPath::default().key(SERVERS) || matches!(self.place, Place::Implied(_)) {
            return None;
        }
        let place = &self.place;
        match (&self.value, step) {
            (Value::Array(_), Step::Key(_)) => Some(format!(
                "{place} has several servers; number them, as in {PREFIX}GHES__0__URL"
            )),
            (Value::Table(_), Step::Index(_)) => Some(format!(
                "{place} has one server, in [ghes]; leave out the number, or write [[ghes]] there"
            )),
            _ => None,
        }
    }

    /// Tells whether no other variable has said what this is.
    fn is_replaceable(&self) -> bool {
        match (&self.place, &self.value) {
            (Place::Implied(_), Value::Table(entries)) => entries.is_empty(),
            (Place::Implied(_) | Place::Variable(_), _) => false,
            (Place::Line(..) | Place::File(_) | Place::Nowhere, _) => true,
        }
    }

    fn become_parent_of(&mut self, step: &Step, implied: &Place) {
        let value = match (&self.value, step) {
            (Value::Table(_), Step::Key(_)) | (Value::Array(_), Step::Index(_)) => return,
            (_, Step::Key(_)) => Value::Table(BTreeMap::new()),
            (_, Step::Index(_)) => Value::Array(Vec::new()),
        };
        self.value = value;
        self.place = implied.clone();
    }
}

/// Tells apart what [Kubernetes] sets in every pod beside a Service named `ghes-gatekeeper`.
///
/// Refusing those would keep the proxy from starting because of variables that no operator has set.
/// None can be a key of ours: every key has at least two levels.
///
/// [Kubernetes]: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
fn is_service_link(levels: &str, text: &str) -> bool {
    let is_port = levels.starts_with("PORT_") || levels.contains("_PORT_");
    let is_service = levels.ends_with("SERVICE_HOST") || levels.ends_with("SERVICE_PORT");
    let is_address = levels.ends_with("PORT") && text.contains("://");
    !levels.contains("__") && (is_port || is_service || is_address)
}

const SERVERS: &str = crate::config::ghes::servers::SECTION;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_of_kubernetes_are_not_taken_for_keys() {
        for (name, text) in [
            ("GHES_GATEKEEPER_SERVICE_HOST", "10.0.0.11"),
            ("GHES_GATEKEEPER_SERVICE_PORT", "80"),
            ("GHES_GATEKEEPER_SERVICE_PORT_HTTP", "80"),
            ("GHES_GATEKEEPER_PORT", "tcp://10.0.0.11:80"),
            ("GHES_GATEKEEPER_PORT_80_TCP_ADDR", "10.0.0.11"),
            (
                "GHES_GATEKEEPER_ADMIN_PORT_9901_TCP",
                "tcp://10.0.0.11:9901",
            ),
        ] {
            assert!(Variable::ours(name, text.to_owned()).is_none(), "{name}");
        }
        for name in [
            "GHES_GATEKEEPER_PORT",
            "GHES_GATEKEEPER_SERVER__PORT_",
            "GHES_GATEKEEPER_SERVICE__LISTEN",
        ] {
            assert!(Variable::ours(name, "8080".to_owned()).is_some(), "{name}");
        }
    }
}

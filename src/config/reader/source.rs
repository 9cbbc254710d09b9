//! From TOML text to a tree in which every value knows where it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};
use super::syntax;

/// A value and its place. Neither has `Debug`: any value may be a secret.
#[derive(Clone)]
pub(in crate::config) struct Node {
    pub(in crate::config) value: Value,
    pub(in crate::config) place: Place,
}

#[derive(Clone)]
pub(in crate::config) enum Value {
    Array(Vec<Node>),
    Boolean(bool),
    Integer(i64),
    Table(BTreeMap<String, Node>),
    Text(String),
    /// A kind that no key wants.
    Other(&'static str),
}

/// Reads a file's text. Syntax errors are reported, the first of each line, and nothing else is:
/// what stands after one may have been read as something it is not.
pub(in crate::config) fn parse(text: &str, file: &Arc<str>) -> Result<Node, Vec<ConfigError>> {
    let line = |offset| text.bytes().take(offset).filter(|b| *b == b'\n').count();
    let at = |offset| Place::Line(Arc::clone(file), line(offset) + 1);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let place = Place::File(Arc::clone(file));
        return Ok(convert(DeValue::Table(table.into_inner()), place, &at));
    }
    let mut lines = BTreeMap::new();
    for error in &errors {
        let line = line(error.span().map_or(0, |span| span.start));
        // `message` leaves out the line's text, which `Display` quotes: it may be a secret.
        lines.entry(line).or_insert_with(|| error.message());
    }
    Err(lines
        .into_iter()
        .map(|(line, message)| {
            let place = Place::Line(Arc::clone(file), line + 1);
            let text = text.lines().nth(line).unwrap_or_default();
            let (key, message) = syntax::explain(text, message);
            ConfigError::new(place, key, message)
        })
        .collect())
}

fn convert(value: DeValue<'_>, place: Place, at: &dyn Fn(usize) -> Place) -> Node {
    let value = match value {
        DeValue::Array(items) => {
            Value::Array(items.into_iter().map(|item| nested(item, at)).collect())
        }
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
            .map_or(Value::Other("an integer beyond 64 bits"), Value::Integer),
        DeValue::String(value) => Value::Text(value.into_owned()),
        DeValue::Table(entries) => Value::Table(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let place = at(key.span().start);
                    let node = convert(value.into_inner(), place, at);
                    (key.into_inner().into_owned(), node)
                })
                .collect(),
        ),
    };
    Node { value, place }
}

fn nested(item: Spanned<DeValue<'_>>, at: &dyn Fn(usize) -> Place) -> Node {
    let place = at(item.span().start);
    convert(item.into_inner(), place, at)
}

impl Node {
    pub(in crate::config) fn empty(place: Place) -> Self {
        Self {
            value: Value::Table(BTreeMap::new()),
            place,
        }
    }

    pub(in crate::config) fn text(self) -> Result<String, String> {
        match self.value {
            Value::Text(text) => Ok(text),
            other => Err(other.instead_of("a string")),
        }
    }

    /// Tells whether it is `true`, wherever it stands.
    pub(in crate::config) fn is_true(&self) -> bool {
        self.clone().boolean() == Ok(true)
    }

    pub(in crate::config) fn is_text(&self, text: &str) -> bool {
        matches!(&self.value, Value::Text(other) if other == text)
    }

    /// Tells whether it is such a text, or has one among its items.
    pub(in crate::config) fn has_text(&self, is_such: impl Fn(&str) -> bool) -> bool {
        let items = self.clone().items_or_one().unwrap_or_default();
        let texts = items.into_iter().filter_map(|item| item.text().ok());
        texts.into_iter().any(|text| is_such(&text))
    }

    pub(in crate::config) fn boolean(self) -> Result<bool, String> {
        match self.reread().value {
            Value::Boolean(value) => Ok(value),
            other => Err(other.instead_of("true or false")),
        }
    }

    /// A flag, or the only word that may stand in its place: then none.
    pub(in crate::config) fn boolean_or(self, word: &str) -> Result<Option<bool>, String> {
        match self.reread().value {
            Value::Boolean(value) => Ok(Some(value)),
            Value::Text(text) if text == word => Ok(None),
            other => Err(other.instead_of(&format!("true, false or \"{word}\""))),
        }
    }

    pub(in crate::config) fn integer(self) -> Result<i64, String> {
        let node = self.reread();
        let is_variable = node.place.is_variable();
        match node.value {
            Value::Integer(value) => Ok(value),
            Value::Text(text) if !is_variable && text.parse::<i64>().is_ok() => {
                Err("expected an integer, found a string; leave out the quotes".to_owned())
            }
            other => Err(other.instead_of("an integer")),
        }
    }

    pub(in crate::config) fn items(self) -> Result<Vec<Self>, String> {
        match self.reread().value {
            Value::Array(items) => Ok(items),
            Value::Text(_) => {
                Err("expected an array, found a string; put it in brackets".to_owned())
            }
            other => Err(other.instead_of("an array")),
        }
    }

    /// A lone string stands for an array of one.
    pub(in crate::config) fn items_or_one(self) -> Result<Vec<Self>, String> {
        let node = self.reread();
        match node.value {
            Value::Array(items) => Ok(items),
            Value::Text(_) => Ok(vec![node]),
            other => Err(other.instead_of("a string or an array of strings")),
        }
    }

    pub(in crate::config) fn entries(self) -> Result<BTreeMap<String, Self>, String> {
        match self.value {
            Value::Table(entries) => Ok(entries),
            other => Err(other.instead_of("a table")),
        }
    }

    /// Reads a variable's text as TOML where it is TOML.
    ///
    /// Only what wants no string asks for this, so that a secret of digits stays what it is.
    fn reread(self) -> Self {
        let parsed = match &self.value {
            Value::Text(text) if self.place.is_variable() => DeValue::parse(text.trim()).ok(),
            _ => None,
        };
        let Some(parsed) = parsed else { return self };
        let at = |_| self.place.clone();
        convert(parsed.into_inner(), self.place.clone(), &at)
    }
}

impl Value {
    fn instead_of(&self, wanted: &str) -> String {
        let found = match self {
            Self::Array(_) => "an array",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Table(_) => "a table",
            Self::Text(_) => "a string",
            Self::Other(kind) => kind,
        };
        format!("expected {wanted}, found {found}")
    }
}

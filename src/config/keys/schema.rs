//! The JSON Schema of the file.

use serde_json::{Map, Value, json};

use super::{Listed, TABLES};
use crate::config::Config;
use crate::config::reader::kind::Shape;
use crate::config::reader::table::{Key, Shown};
use crate::config::route_defaults::OWN;

impl Config {
    /// Returns a [JSON Schema] of the file, which editors understand.
    ///
    /// It knows every key, what kind of value it takes, and what it is for. It asks for none: the
    /// environment may have it. What it lets pass can still be refused, as an address that is none.
    ///
    /// [JSON Schema]: https://json-schema.org/draft/2020-12
    #[must_use]
    pub fn schema() -> Value {
        let mut root = table("", Self::KEYS);
        for listed in TABLES.iter().filter(|listed| !listed.header.is_empty()) {
            let below = listed.header.trim_matches(['[', ']']);
            insert(&mut root, below, schema_of(listed));
        }
        share_routes(&mut root);
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        root["title"] = "The configuration of ghes-gatekeeper".into();
        root
    }
}

/// Lets `[route_defaults]` have the keys of a route, which has the defaults of these.
fn share_routes(root: &mut Value) {
    let mut keys = root["properties"]["routes"]["items"]["properties"].clone();
    if let Value::Object(keys) = &mut keys {
        keys.retain(|key, _| !OWN.contains(&&**key));
    }
    root["properties"]["route_defaults"]["properties"] = keys;
}

/// Puts a table where its header says, below those that come before it.
fn insert(outer: &mut Value, path: &str, schema: Value) {
    match path.split_once('.') {
        Some((first, rest)) => {
            let inner = &mut outer["properties"][first];
            // Of one table or several, each has the tables below it.
            let places = match inner.get_mut("oneOf") {
                Some(Value::Array(places)) => places.iter_mut().collect(),
                _ => vec![inner],
            };
            for place in places {
                let place = match place.get("items") {
                    Some(_) => &mut place["items"],
                    None => place,
                };
                insert(place, rest, schema.clone());
            }
        }
        None => {
            let slot = &mut outer["properties"][path];
            *slot = match slot.take() {
                Value::Null => schema,
                // A key that is a word or a table.
                word => json!({ "oneOf": [word, schema] }),
            };
        }
    }
}

fn schema_of(listed: &Listed) -> Value {
    let one = table(&listed.doc.join("\n"), listed.keys());
    let several = |one: &Value| json!({ "type": "array", "items": one });
    match listed.header {
        "[ghes]" => json!({ "oneOf": [one, several(&one)] }),
        header if header.starts_with("[[") => several(&one),
        _ => one,
    }
}

fn table(doc: &str, keys: impl IntoIterator<Item = &'static Key>) -> Value {
    let properties = keys
        .into_iter()
        .map(|key| (key.name.to_owned(), property(key)));
    let properties: Map<String, Value> = properties.collect();
    let mut table = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !doc.is_empty() {
        table["description"] = doc.into();
    }
    table
}

fn property(key: &Key) -> Value {
    let mut property = value(&key.shape);
    if !key.doc.is_empty() {
        let words: Vec<&str> = key.doc.iter().map(|words| words.trim_start()).collect();
        property["description"] = words.join("\n").into();
    }
    if let Shown::Default(default) = key.shown
        && let Some(default) = default().and_then(|default| serde_json::to_value(default).ok())
    {
        property["default"] = default;
    }
    property
}

fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::BooleanOr(word) => json!({ "enum": [true, false, word] }),
        Shape::Duration => json!({ "type": "string", "examples": ["60s", "1m 30s"] }),
        Shape::Integer { from, to } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::List(item) => json!({ "type": "array", "items": value(item) }),
        Shape::OneOrMany(item) => json!({ "oneOf": [value(item), value(&Shape::List(item))] }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Words(words) => json!({ "enum": words }),
    }
}

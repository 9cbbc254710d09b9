//! What a key takes: how it is read, how it is printed, and how a schema says it.

use std::fmt;

use toml::Value;

use super::section::Section;
use super::source::Node;

/// A kind of value. Its range, its messages and whether it is printed at all belong to it.
pub(in crate::config) trait Kind {
    type Value;

    const SHAPE: Shape;

    /// Reads a key that may be absent; a mistake is noted in `section`.
    fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self::Value>;

    /// Returns the value as it is written, with nothing of a secret in it; none where the key is
    /// left out.
    fn print(value: &Self::Value) -> Option<Value>;
}

/// A kind whose value stands in one place.
pub(in crate::config) trait Plain {
    type Value;

    const SHAPE: Shape;

    fn read(node: Node) -> Result<Self::Value, String>;

    fn print(value: &Self::Value) -> Value;
}

impl<P: Plain> Kind for P {
    type Value = P::Value;

    const SHAPE: Shape = P::SHAPE;

    fn read(section: &mut Section<'_>, key: &'static str) -> Option<P::Value> {
        section.optional(key, P::read)
    }

    fn print(value: &P::Value) -> Option<Value> {
        Some(P::print(value))
    }
}

/// A key without a default.
pub(in crate::config) struct Optional<P>(P);

impl<P: Plain> Kind for Optional<P> {
    type Value = Option<P::Value>;

    const SHAPE: Shape = P::SHAPE;

    fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self::Value> {
        section.optional(key, P::read).map(Some)
    }

    fn print(value: &Self::Value) -> Option<Value> {
        value.as_ref().map(P::print)
    }
}

/// Writes a list of what is written as text.
pub(in crate::config) fn texts<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> Value {
    let texts = items.into_iter().map(|item| item.to_string().into());
    Value::Array(texts.collect())
}

/// A switch.
impl Plain for bool {
    type Value = Self;

    const SHAPE: Shape = Shape::Boolean;

    fn read(node: Node) -> Result<Self, String> {
        node.boolean()
    }

    fn print(value: &Self) -> Value {
        Value::Boolean(*value)
    }
}

/// What a file may have in the place of a value.
#[derive(Clone, Copy)]
pub(in crate::config) enum Shape {
    Boolean,
    /// A flag, or in its place this word.
    BooleanOr(&'static str),
    Duration,
    Integer {
        from: u64,
        to: u64,
    },
    List(&'static Self),
    /// A list, or in its place the only item.
    OneOrMany(&'static Self),
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
}

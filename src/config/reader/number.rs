//! Numbers of things, within bounds.

use std::num::NonZeroU32;

use toml::Value;

use super::kind::{Plain, Shape};
use super::source::Node;

/// A limit below which nothing would work.
pub(in crate::config) struct Within<const FROM: u32, const TO: u32>;

/// More is no limit.
const MOST: u32 = 100_000;

/// A limit of which any number but none makes sense.
pub(in crate::config) type Count = Within<1, MOST>;

impl<const FROM: u32, const TO: u32> Plain for Within<FROM, TO> {
    type Value = NonZeroU32;

    const SHAPE: Shape = integer(FROM, TO);

    fn read(node: Node) -> Result<NonZeroU32, String> {
        let number = u32::try_from(node.integer()?).ok();
        let within = number.filter(|number| (FROM..=TO).contains(number));
        let number = within.and_then(NonZeroU32::new);
        number.ok_or_else(|| format!("must be from {FROM} to {TO}"))
    }

    fn print(value: &NonZeroU32) -> Value {
        Value::Integer(value.get().into())
    }
}

/// A limit that may let nothing through.
pub(in crate::config) struct CountOrNone;

impl Plain for CountOrNone {
    type Value = u32;

    const SHAPE: Shape = integer(0, MOST);

    fn read(node: Node) -> Result<u32, String> {
        let number = u32::try_from(node.integer()?).ok();
        let number = number.filter(|number| *number <= MOST);
        number.ok_or_else(|| format!("must be from 0 to {MOST}"))
    }

    fn print(value: &u32) -> Value {
        Value::Integer((*value).into())
    }
}

const fn integer(from: u32, to: u32) -> Shape {
    Shape::Integer {
        from: from as u64,
        to: to as u64,
    }
}

//! Numbers of things, within bounds.

use std::num::NonZeroU32;

use super::source::Node;

/// What a limit may be.
#[derive(Clone, Copy)]
pub(in crate::config) struct Range {
    pub(in crate::config) from: u32,
    pub(in crate::config) to: u32,
}

/// Reads a limit below which nothing would work.
pub(in crate::config) fn number(node: Node) -> Result<NonZeroU32, String> {
    number_within(node, COUNT)
}

pub(in crate::config) fn number_within(
    node: Node,
    Range { from, to }: Range,
) -> Result<NonZeroU32, String> {
    let number = u32::try_from(node.integer()?).ok();
    let within = number.filter(|number| (from..=to).contains(number));
    let number = within.and_then(NonZeroU32::new);
    number.ok_or_else(|| format!("must be from {from} to {to}"))
}

pub(in crate::config) fn number_or_none(node: Node) -> Result<u32, String> {
    let number = u32::try_from(node.integer()?).ok();
    let number = number.filter(|number| *number <= COUNT.to);
    number.ok_or_else(|| format!("must be from 0 to {}", COUNT.to))
}

/// More is no limit.
pub(in crate::config) const COUNT: Range = Range {
    from: 1,
    to: 100_000,
};

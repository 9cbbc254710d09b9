use std::num::NonZeroU32;

use super::section::Section;
use super::source::Node;
use crate::protection::Limits;

/// Reads `[ghes.limits]`; the defaults and their reasons stand with [`Limits`].
pub(super) fn read(limits: &mut Section<'_>) -> Option<Limits> {
    let mut read = Limits::default();
    let mut set = |key, default| limits.optional(key, number).unwrap_or(default);
    read.concurrency = set("concurrency", read.concurrency);
    read.rate = set("rate", read.rate);
    read.burst = set("burst", read.burst);
    read.queue = limits
        .optional("queue", number_or_none)
        .unwrap_or(read.queue);
    Some(read)
}

/// What a limit may be.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Reads a limit below which nothing would work.
pub(super) fn number(node: Node) -> Result<NonZeroU32, String> {
    number_within(node, COUNT)
}

pub(super) fn number_within(node: Node, Range { from, to }: Range) -> Result<NonZeroU32, String> {
    let number = u32::try_from(node.integer()?).ok();
    let within = number.filter(|number| (from..=to).contains(number));
    let number = within.and_then(NonZeroU32::new);
    number.ok_or_else(|| format!("must be from {from} to {to}"))
}

fn number_or_none(node: Node) -> Result<u32, String> {
    let number = u32::try_from(node.integer()?).ok();
    let number = number.filter(|number| *number <= COUNT.to);
    number.ok_or_else(|| format!("must be from 0 to {}", COUNT.to))
}

/// More is no limit.
pub(super) const COUNT: Range = Range {
    from: 1,
    to: 100_000,
};

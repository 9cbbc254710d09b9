use std::num::NonZeroU32;

use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::protection::Limits;

/// Reads `[ghes.limits]`; the defaults and their reasons stand with [`Limits`].
pub(in crate::config) fn read(limits: &mut Section<'_>) -> Option<Limits> {
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

fn number_or_none(node: Node) -> Result<u32, String> {
    let number = u32::try_from(node.integer()?).ok();
    let number = number.filter(|number| *number <= COUNT.to);
    number.ok_or_else(|| format!("must be from 0 to {}", COUNT.to))
}

/// More is no limit.
pub(in crate::config) const COUNT: Range = Range {
    from: 1,
    to: 100_000,
};

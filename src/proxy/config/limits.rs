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

/// Reads a limit below which nothing would work.
pub(super) fn number(node: Node) -> Result<NonZeroU32, String> {
    let number = at_most(node.integer()?).and_then(NonZeroU32::new);
    number.ok_or_else(|| format!("must be from 1 to {MOST}"))
}

fn number_or_none(node: Node) -> Result<u32, String> {
    at_most(node.integer()?).ok_or_else(|| format!("must be from 0 to {MOST}"))
}

fn at_most(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number <= MOST)
}

/// More is no limit.
const MOST: u32 = 100_000;

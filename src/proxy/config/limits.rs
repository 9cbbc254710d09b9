use std::num::NonZeroU32;

use super::section::Section;
use super::source::Node;
use crate::protection::Limits;

/// Reads `[ghes.limits]`; the defaults and their reasons stand with [`Limits`].
pub(super) fn read(limits: &mut Section<'_>) -> Option<Limits> {
    let mut read = Limits::default();
    let mut some = |key, default| limits.optional(key, some).unwrap_or(default);
    read.concurrency = some("concurrency", read.concurrency);
    read.rate = some("rate", read.rate);
    read.burst = some("burst", read.burst);
    read.queue = limits.optional("queue", any).unwrap_or(read.queue);
    Some(read)
}

fn some(node: Node) -> Result<NonZeroU32, String> {
    let number = at_most(node.integer()?).and_then(NonZeroU32::new);
    number.ok_or_else(|| format!("must be from 1 to {MOST}"))
}

fn any(node: Node) -> Result<u32, String> {
    at_most(node.integer()?).ok_or_else(|| format!("must be from 0 to {MOST}"))
}

fn at_most(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number <= MOST)
}

/// More is no limit.
const MOST: u32 = 100_000;

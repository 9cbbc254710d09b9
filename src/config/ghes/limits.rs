use crate::config::reader::number::{number, number_or_none};
use crate::config::reader::section::Section;
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

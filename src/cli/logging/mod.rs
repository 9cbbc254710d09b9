mod clock;
mod fields;
mod json;
mod line;
mod plain;
mod queue;
mod start;

use clap::ValueEnum;

pub(super) use self::line::Line;
pub(super) use self::start::start;

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text.
    Text,
    /// A JSON object in a line.
    Json,
}

/// When a line is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Delivery {
    /// Before the command goes on, so that a person reads all lines in their order.
    AtOnce,
    /// By another thread, within milliseconds; no request waits for it.
    Queued,
}

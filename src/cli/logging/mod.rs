mod clock;
mod fields;
mod line;
mod printable;
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

mod clock;
mod fields;
mod line;
mod printable;

use std::io::{self, IsTerminal};
use std::panic;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use self::clock::Clock;
use self::fields::PlainFields;
use self::printable::PrintableWriter;
use super::Failure;

pub(super) use self::line::Line;

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text.
    Text,
    /// A JSON object in a line.
    Json,
}

/// Sends the log to standard error, so that standard output has only what was asked for.
pub(super) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_timer(Clock)
        .with_writer(io::stderr)
        // It reports a closed log through a macro that panics.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.fmt_fields(PlainFields).init(),
        LogFormat::Json => {
            log.json()
                .flatten_event(true)
                .with_writer(|| PrintableWriter(io::stderr()))
                .init();
            panic::set_hook(Box::new(move |panic| {
                Failure::panicked(panic).report(format);
            }));
        }
    }
    Ok(())
}

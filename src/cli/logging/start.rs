use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::EnvFilter;

use super::LogFormat;
use super::clock::Clock;
use super::fields::PlainFields;
use super::printable::PrintableWriter;
use crate::cli::failure::Failure;

/// Sends the log to standard error, so that standard output has only what was asked for.
pub(in crate::cli) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
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

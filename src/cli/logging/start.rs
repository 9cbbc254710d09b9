use std::borrow::Cow;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::panic::{self, PanicHookInfo};
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::JsonFields;

use super::clock::Clock;
use super::fields::PlainFields;
use super::json::PlainJson;
use super::line::Line;
use super::queue::{PIPE_BUF, Queue};
use super::{Delivery, LogFormat};
use crate::cli::failure::Failure;

/// The log of this process; dropped, it writes what is left to write.
#[must_use = "dropping it too early loses lines"]
pub(in crate::cli) struct Log(Option<Arc<Queue>>);

/// Sends the log to standard error, so that standard output has only what was asked for.
pub(in crate::cli) fn start(
    filter: &str,
    format: LogFormat,
    delivery: Delivery,
) -> Result<Log, Failure> {
    let filter = EnvFilter::try_new(with_default(filter))
        .map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    let queue = match delivery {
        Delivery::AtOnce => None,
        Delivery::Queued => queue(format),
    };
    let output = Output(queue.clone());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_timer(Clock)
        // It reports a closed log through a macro that panics.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log
            .fmt_fields(PlainFields)
            .with_writer(move || output.clone())
            .init(),
        LogFormat::Json => log
            .fmt_fields(JsonFields::new())
            .event_format(PlainJson::new())
            .with_writer(move || output.clone())
            .init(),
    }
    report_panics(format, queue.clone());
    Ok(Log(queue))
}

/// Leaves what a filter does not name at the default level: `access=off` is about requests alone.
fn with_default(filter: &str) -> Cow<'_, str> {
    let is_level = |part: &str| LevelFilter::from_str(part).is_ok();
    match filter.split(',').any(is_level) {
        true => Cow::Borrowed(filter),
        false => Cow::Owned(format!("info,{filter}")),
    }
}

/// Starts the thread that writes. Without threads, lines are written at once.
fn queue(format: LogFormat) -> Option<Arc<Queue>> {
    let queue = Arc::new(Queue::default());
    let lines = queue.clone();
    let tells =
        move |n| Line::warn(&format!("{n} lines of the log were dropped")).in_format(format);
    let writer = thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || lines.write_to(io::stderr(), most_at_once(), tells));
    writer.ok().map(|_| queue)
}

/// Only a pipe may mix what several writers write at once.
fn most_at_once() -> usize {
    let output = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let kind = output.and_then(|output| output.metadata());
    match kind {
        Ok(kind) if !kind.file_type().is_fifo() => usize::MAX,
        _ => PIPE_BUF,
    }
}

/// Has panics reported behind what was logged before, in the form of the log.
fn report_panics(format: LogFormat, queue: Option<Arc<Queue>>) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        if let Some(queue) = &queue {
            queue.flush(PATIENCE);
        }
        match format {
            LogFormat::Text => default(panic),
            LogFormat::Json => drop(Failure::panicked(panic).report(format)),
        }
    }));
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.flush(PATIENCE);
        }
    }
}

/// Takes lines, each as one write.
#[derive(Clone)]
struct Output(Option<Arc<Queue>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &self.0 {
            Some(queue) => {
                queue.push(bytes);
                Ok(())
            }
            None => io::stderr().write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long the end of the process waits for a reader that has stopped reading. Supervisors kill
/// after ten seconds or more.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_names_targets_alone_leaves_the_rest_at_info() {
        for (filter, whole) in [
            ("warn", "warn"),
            ("WARN,access=info", "WARN,access=info"),
            ("access=off,error", "access=off,error"),
            ("off", "off"),
            ("access=off", "info,access=off"),
            ("access", "info,access"),
            ("access=debug,hyper=warn", "info,access=debug,hyper=warn"),
        ] {
            assert_eq!(with_default(filter), whole);
            assert!(EnvFilter::try_new(whole).is_ok());
        }
    }
}

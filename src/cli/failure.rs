use std::error::Error;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use tower::BoxError;

use super::logging::{Line, LogFormat};

/// Why a command did not do its work: what to print, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// What the user wrote cannot be used.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::new(text, USAGE)
    }

    /// GHES, or the user who was asked, said no.
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::new(text, REFUSED)
    }

    /// The check said no.
    pub(super) fn negative(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: RUNNING,
        }
    }

    /// It went wrong while running.
    pub(super) fn running(what: &str, error: impl Into<BoxError>) -> Self {
        Self::new(chain(what, &*error.into()), RUNNING)
    }

    /// GHES could not be asked.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(text, UNAVAILABLE)
    }

    /// Tells of both, with the exit code of the worse one.
    pub(super) fn and(self, other: &Self) -> Self {
        let text = format!("{}\n{}", self.text, other.text);
        Self::new(text, self.code.max(other.code))
    }

    /// The program has a mistake, which a thread found.
    pub(super) fn panicked(panic: &PanicHookInfo<'_>) -> Self {
        Self::new(panic.to_string(), RUNNING)
    }

    /// Prints it to standard error, in the form of the log, and returns the exit code.
    pub(super) fn report(&self, format: LogFormat) -> ExitCode {
        let text = match format {
            LogFormat::Text => format!("{}\n", self.text),
            LogFormat::Json => format!("{}\n", Line::error(&self.text)),
        };
        // There is nowhere to report that standard error is closed.
        let _ = io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }

    fn new(text: impl Into<String>, code: u8) -> Self {
        Self {
            text: text.into(),
            code,
        }
    }
}

/// One line from the outermost error to its cause.
pub(super) fn chain(what: &str, error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// The check said no.
const REFUSED: u8 = 1;

/// The command failed while running.
const RUNNING: u8 = 1;

/// Usage or configuration; also what clap exits with.
const USAGE: u8 = 2;

/// GHES could not be asked.
const UNAVAILABLE: u8 = 3;

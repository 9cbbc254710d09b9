//! The person in front of the command, and what is read from and shown to them.

mod confirmation;
mod escaped;
mod prompt;
pub(super) mod secret;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};

pub(super) use self::confirmation::Confirmation;
pub(super) use self::escaped::{escape_json, escaped};
use super::Failure;

/// The controlling terminal. It is there even where standard input brings a token and standard
/// output goes into a file.
pub(super) struct Terminal(File);

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        Ok(Self(tty))
    }

    /// Goes on only if the person at the terminal confirms.
    pub(super) fn confirm(&mut self, question: &str) -> Result<(), Failure> {
        let answer = self
            .ask(question)
            .map_err(|error| Failure::running("cannot ask on the terminal", error))?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::refused("not confirmed; nothing was changed")),
        }
    }

    fn ask(&mut self, question: &str) -> io::Result<String> {
        write!(self.0, "{} [y/N] ", escaped(question))?;
        self.0.flush()?;
        let mut answer = String::new();
        BufReader::new((&self.0).take(MAX_ANSWER_BYTES)).read_line(&mut answer)?;
        Ok(answer)
    }
}

/// A terminal gives out lines of at most 4 KiB.
const MAX_ANSWER_BYTES: u64 = 4096;

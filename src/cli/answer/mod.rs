//! What GHES or the gate answered, as a table for people or as JSON for programs.

mod record;
mod row;
mod table;

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde::Serialize;

pub(super) use self::record::Record;
pub(super) use self::row::Row;
use super::Failure;
use super::terminal::escape_json;

/// The form of an answer.
#[derive(Args, Debug)]
pub(crate) struct AnswerForm {
    /// Print JSON, with GitHub's names, instead of a table.
    #[arg(long)]
    json: bool,
}

impl AnswerForm {
    /// Prints one thing: an object, or a line for each of its members.
    pub(super) fn print_one(&self, record: &Record) -> Result<(), Failure> {
        match self.json {
            true => write(&json(record)?),
            false => write(&table::of_one(record)),
        }
    }

    /// Prints a list: an array, or a row for each item with the members that `columns` names.
    pub(super) fn print_list(&self, records: &[Record], columns: &[&str]) -> Result<(), Failure> {
        match self.json {
            true => write(&json(&records)?),
            false => write(&table::of_many(records, columns)),
        }
    }
}

/// Prints that something was done, where GHES answers with nothing.
pub(super) fn print_done(line: &str) -> Result<(), Failure> {
    write(&format!("{line}\n"))
}

/// Prints lines, each with its label.
pub(super) fn print_rows(rows: &[Row]) -> Result<(), Failure> {
    write(&table::of_rows(rows))
}

/// Prints anything as JSON.
pub(super) fn print_json(answer: &impl Serialize) -> Result<(), Failure> {
    write(&json(answer)?)
}

fn json(answer: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(answer)
        .map_err(|error| Failure::running("cannot write JSON", error))?;
    Ok(format!("{}\n", escape_json(&json)))
}

/// Unlike informational lines, an answer that cannot be written is a failure: GHES may show the
/// token only this once.
fn write(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    written
        .and_then(|()| output.flush())
        .map_err(|error| Failure::running("done, but the answer cannot be printed", error))
}

fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

//! The text of `example.toml`.

use std::fmt::{self, Write};

use super::{Listed, TABLES};
use crate::config::Config;
use crate::config::reader::table::{Key, Shown};

impl Config {
    /// Writes a file that has every key: with its default, or where there is none with an example.
    ///
    /// It is [`Config::EXAMPLE`], written anew from the keys themselves.
    #[must_use]
    pub fn example() -> String {
        let mut text = String::new();
        for (at, table) in TABLES.iter().enumerate() {
            text.push_str(if at > 0 { "\n" } else { "" });
            // A `String` takes whatever is written.
            let _ = write!(text, "{table}");
        }
        text
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.header.is_empty() {
            write_line(f, self.is_aside, self.header, self.doc)?;
        }
        self.keys()
            .try_for_each(|key| write_key(f, self.is_aside, key))
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, is_aside: bool, key: &Key) -> fmt::Result {
    let (value, is_key_aside) = match &key.shown {
        Shown::Default(value) => (value().map(|value| value.to_string()), false),
        Shown::Text(text) => (Some((*text).to_owned()), false),
        Shown::Aside(text) => (Some((*text).to_owned()), true),
        Shown::Not => (None, false),
    };
    let Some(value) = value else { return Ok(()) };
    let line = format!("{} = {value}", key.name);
    write_line(f, is_aside || is_key_aside, &line, key.doc)
}

/// Writes a line of TOML, or of what is only shown, and beside it what is said about it.
fn write_line(f: &mut fmt::Formatter<'_>, is_aside: bool, line: &str, doc: &[&str]) -> fmt::Result {
    let begin = if is_aside { "# " } else { "" };
    let line = format!("{begin}{line}");
    let Some((first, further)) = doc.split_first() else {
        return writeln!(f, "{line}");
    };
    let gap = if line.len() + 2 > COLUMN { "    " } else { "" };
    writeln!(f, "{line:COLUMN$}{gap}# {}", first.trim_start())?;
    let begin = if is_aside { "#" } else { "" };
    further
        .iter()
        .try_for_each(|words| writeln!(f, "{begin:COLUMN$}# {}", words.trim_start()))
}

/// Where the words begin, if what they are about leaves room.
const COLUMN: usize = 36;

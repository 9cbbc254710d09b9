use std::fmt;

use serde::Serialize;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::LogFormat;
use super::clock::Clock;
use crate::cli::terminal::escape_json;

/// A line that does not come by the log, in the form of the log's JSON: what a command says on
/// standard output, and what it ends with.
#[derive(Serialize)]
pub(in crate::cli) struct Line<'l> {
    timestamp: String,
    level: &'static str,
    message: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'l str>,
}

impl<'l> Line<'l> {
    pub(in crate::cli) fn info(message: &'l str) -> Self {
        Self::new("INFO", message)
    }

    pub(super) fn warn(message: &'l str) -> Self {
        Self::new("WARN", message)
    }

    pub(in crate::cli) fn error(message: &'l str) -> Self {
        Self::new("ERROR", message)
    }

    /// Adds where a listener can be reached, and what for.
    pub(in crate::cli) fn with_listener(self, url: &'l str, role: &'l str) -> Self {
        Self {
            url: Some(url),
            role: Some(role),
            ..self
        }
    }

    /// Writes it as the log does, with the end of the line.
    pub(super) fn in_format(&self, format: LogFormat) -> String {
        match format {
            LogFormat::Text => format!("{} {:>5} {}\n", self.timestamp, self.level, self.message),
            LogFormat::Json => format!("{self}\n"),
        }
    }

    fn new(level: &'static str, message: &'l str) -> Self {
        let mut timestamp = String::new();
        // A clock that cannot be written leaves the rest of the line worth reading.
        let _ = Clock.format_time(&mut Writer::new(&mut timestamp));
        Self {
            timestamp,
            level,
            message,
            url: None,
            role: None,
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&escape_json(&json))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_line_is_one_line_of_json_whatever_stands_in_it() {
        for message in [
            "a\nb",
            "\"q\" \\",
            "\u{1b}[31m\u{7f}",
            "\u{85}\u{2028}\u{202e}é",
        ] {
            let url = "unix:/tmp/\n.sock";
            let line = Line::error(message).with_listener(url, "gate").to_string();
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(!line.contains(['\u{2028}', '\u{202e}']), "{line:?}");
            let value: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["message"], message);
            assert_eq!(value["level"], "ERROR");
            assert_eq!(value["url"], url);
            assert_eq!(value["role"], "gate");
            assert!(value["timestamp"].as_str().unwrap().ends_with('Z'));
        }
        let line = Line::info("only").to_string();
        assert!(!line.contains("url") && !line.contains("null"), "{line}");
    }
}

use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

use super::plain::{is_plain, is_printable, push_f64, push_u64, with_buffer};

/// Writes fields as [`DefaultFields`] does, to the letter, but at a quarter of the cost: names are
/// not painted in no colour, and most values need no formatter.
#[derive(Debug)]
pub(super) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        if writer.has_ansi_escapes() {
            return DefaultFields::new().format_fields(writer, fields);
        }
        with_buffer(|text| {
            let mut line = Line {
                text,
                is_unusual: false,
            };
            fields.record(&mut line);
            match line.is_unusual {
                true => DefaultFields::new().format_fields(writer, fields),
                false => writer.write_str(text),
            }
        })
    }
}

struct Line<'t> {
    text: &'t mut String,
    /// The library has to write it: a terminal would obey something in it, or it has an error.
    is_unusual: bool,
}

impl Line<'_> {
    fn name(&mut self, field: &Field) {
        let name = field.name();
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.text.push('=');
    }

    fn message(&mut self, message: &dyn Debug) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.len();
        let is_written = write!(self.text, "{message:?}").is_ok();
        self.is_unusual |= !is_written || !is_printable(&self.text[start..]);
    }
}

impl Visit for Line<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        push_f64(self.text, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        push_u64(self.text, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message(&format_args!("{value}")),
            _ if is_plain(value) => {
                self.name(field);
                self.text.push('"');
                self.text.push_str(value);
                self.text.push('"');
            }
            _ => self.record_debug(field, &value),
        }
    }

    fn record_error(&mut self, _: &Field, _: &(dyn Error + 'static)) {
        self.is_unusual = true;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            return self.message(value);
        }
        self.name(field);
        self.is_unusual |= write!(self.text, "{value:?}").is_err();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged<F>(fields: F, ansi: bool, log: fn()) -> String
    where
        F: for<'w> FormatFields<'w> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .without_time()
            .fmt_fields(fields)
            .with_ansi(ansi)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let lines = lines.0.lock().unwrap().clone();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn lines_are_those_of_the_default() {
        let events: [fn(); 8] = [
            || {
                tracing::info!(
                    a = 0.0,
                    b = 1.25,
                    c = -3.5,
                    d = u64::MAX,
                    e = "",
                    f = u128::MAX
                )
            },
            || tracing::info!(a = f64::NAN, b = "é\t", c = %"\u{202e}", "{}", "\"q\""),
            || tracing::info!("only \u{1b}[31ma\nmessage \u{9b}\u{2028}"),
            || tracing::info!(a.b = "q\"\\\n\u{1b}", c = ?Some("x"), d = %"\u{1b}[1m", "text"),
            || tracing::warn!(a = 1, b = -1_i64, c = 0.1 + 0.2, d = true, "{}", "argument"),
            || tracing::info!(a = None::<u64>, b = Some(2_u16), "r#odd" = "t"),
            || tracing::error!(error = &io::Error::other("\u{1b}") as &dyn Error, a = 1),
            || {
                let error = io::Error::new(io::ErrorKind::NotFound, io::Error::other("inner"));
                tracing::info!(a = 1, error = &error as &dyn Error, "\u{7f}");
            },
        ];
        for log in events {
            for ansi in [false, true] {
                let line = logged(PlainFields, ansi, log);
                assert_eq!(line, logged(DefaultFields::new(), ansi, log));
                assert!(line.ends_with('\n'), "{line}");
            }
        }
    }
}

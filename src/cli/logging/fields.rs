use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, DefaultVisitor, Writer};

/// Writes fields as [`DefaultFields`] does, to the letter, but without painting each name in no
/// colour: that is a third of what a line of the access log costs.
#[derive(Debug)]
pub(super) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        if writer.has_ansi_escapes() {
            return DefaultFields::new().format_fields(writer, fields);
        }
        let mut line = Line {
            writer,
            is_empty: true,
            result: Ok(()),
        };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    is_empty: bool,
    result: fmt::Result,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: &dyn Debug) -> fmt::Result {
        let name = field.name();
        let is_message = name == "message";
        if is_message && !is_printable(value) {
            return self.leave_to_default(|visitor| visitor.record_debug(field, value));
        }
        if !self.is_empty {
            self.writer.write_char(' ')?;
        }
        if !is_message {
            self.writer
                .write_str(name.strip_prefix("r#").unwrap_or(name))?;
            self.writer.write_char('=')?;
        }
        self.is_empty = false;
        write!(self.writer, "{value:?}")
    }

    fn leave_to_default(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) -> fmt::Result {
        let mut visitor = DefaultVisitor::new(self.writer.by_ref(), self.is_empty);
        record(&mut visitor);
        self.is_empty = false;
        visitor.finish()
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        if self.result.is_ok() {
            self.result = self.leave_to_default(|visitor| visitor.record_error(field, value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if self.result.is_ok() {
            self.result = self.write(field, value);
        }
    }
}

/// Tells of a text that nothing in it would have to be escaped for a terminal.
fn is_printable(text: &dyn Debug) -> bool {
    struct Printable;
    impl Write for Printable {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let is_printable = |b| matches!(b, b' '..=b'~');
            text.bytes()
                .all(is_printable)
                .then_some(())
                .ok_or(fmt::Error)
        }
    }
    write!(Printable, "{text:?}").is_ok()
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
        let events: [fn(); 6] = [
            || tracing::info!("only \u{1b}[31ma\nmessage \u{9b}\u{2028}"),
            || tracing::info!(a.b = "q\"\\\n\u{1b}", c = ?Some("x"), d = %"\u{1b}[1m", "text"),
            || tracing::warn!(a = 1, b = -1_i64, c = 0.1 + 0.2, d = true, "{}", "argument"),
            || tracing::info!(a = None::<u64>, b = Some(2_u16), "r#odd" = "t"),
            || {
                tracing::error!(
                    error = &io::Error::other("\u{1b}") as &dyn std::error::Error,
                    a = 1
                )
            },
            || {
                let error = io::Error::new(io::ErrorKind::NotFound, io::Error::other("inner"));
                tracing::info!(a = 1, error = &error as &dyn std::error::Error, "\u{7f}");
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

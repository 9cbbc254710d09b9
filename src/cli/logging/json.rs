use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

use super::clock::Clock;
use super::plain::{is_plain, push_f64, push_u64, with_buffer};
use crate::cli::terminal::escape_json;

/// Writes a line as the library's JSON does, to the letter, but at a quarter of the cost, and so
/// that a terminal obeys nothing in it.
///
/// JSON allows DEL, the control characters of C1, and those that end a line or turn the writing
/// direction, as they are.
pub(super) struct PlainJson(Format<Json, Clock>);

impl PlainJson {
    pub(super) fn new() -> Self {
        let format = Format::default().json().with_timer(Clock);
        Self(format.flatten_event(true).with_target(false))
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> FormatEvent<S, JsonFields> for PlainJson {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Libraries have spans, at levels that cost more than this.
        if context.lookup_current().is_some() {
            let mut line = String::new();
            self.0
                .format_event(context, Writer::new(&mut line), event)?;
            return writer.write_str(&escape_json(&line));
        }
        with_buffer(|text| {
            text.push_str("{\"timestamp\":\"");
            Clock.format_time(&mut Writer::new(text))?;
            text.push_str("\",\"level\":\"");
            text.push_str(event.metadata().level().as_str());
            text.push('"');
            event.record(&mut Line(text));
            text.push_str("}\n");
            writer.write_str(text)
        })
    }
}

struct Line<'t>(&'t mut String);

impl Line<'_> {
    fn name(&mut self, field: &Field) {
        // Names are identifiers and dots.
        self.0.push_str(",\"");
        let name = field.name();
        self.0.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.0.push_str("\":");
    }

    #[cold]
    fn escaped(&mut self, text: &str) {
        let json = serde_json::to_string(text);
        self.0.push_str(&escape_json(&json.unwrap_or_default()));
    }
}

impl Visit for Line<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        match value.is_finite() {
            true => push_f64(self.0, value),
            false => self.0.push_str("null"),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field);
        let sign = if value < 0 { "-" } else { "" };
        self.0.push_str(sign);
        push_u64(self.0, value.unsigned_abs());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        push_u64(self.0, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        match is_plain(value) {
            true => {
                self.0.push('"');
                self.0.push_str(value);
                self.0.push('"');
            }
            false => self.escaped(value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.0.push('"');
        let start = self.0.len();
        // A value that cannot be written leaves what it has written.
        let _ = write!(self.0, "{value:?}");
        if is_plain(&self.0[start..]) {
            return self.0.push('"');
        }
        let text = self.0.split_off(start);
        self.0.pop();
        self.escaped(&text);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

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

    /// What stands behind the timestamp.
    fn logged<F>(format: F, log: fn()) -> String
    where
        F: FormatEvent<Registry, JsonFields> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(format)
            .with_writer(lines.clone());
        let subscriber = Registry::default().with(layer);
        tracing::subscriber::with_default(subscriber, log);
        let lines = lines.0.lock().unwrap().clone();
        let line = String::from_utf8(lines).unwrap();
        let (start, rest) = line.split_at(r#"{"timestamp":"2026-12-01T00:00:00.000000Z","#.len());
        assert!(
            start.starts_with("{\"timestamp\":\"2") && start.ends_with("Z\","),
            "{line}"
        );
        assert!(
            rest.ends_with("}\n") && rest.matches('\n').count() == 1,
            "{line}"
        );
        rest.to_owned()
    }

    #[test]
    fn lines_are_those_of_the_default() {
        let events: [fn(); 7] = [
            || tracing::info!("a message"),
            || tracing::warn!(a.b = "q\"\\\n\u{1b}", c = ?Some("x"), d = %"\u{8}", "text {}", 1),
            || {
                tracing::info!(
                    a = 1,
                    b = -1_i64,
                    c = 0.1 + 0.2,
                    d = true,
                    e = 12.5,
                    f = i64::MIN
                )
            },
            || {
                tracing::error!(
                    a = f64::NAN,
                    b = f64::INFINITY,
                    c = u64::MAX,
                    d = 0.0,
                    e = ""
                )
            },
            || tracing::info!(a = None::<u64>, b = Some(2_u16), c = "é"),
            || {
                let error = io::Error::new(io::ErrorKind::NotFound, io::Error::other("in\"ner"));
                tracing::info!(a = 1, error = &error as &dyn Error, "m");
            },
            || {
                let span = tracing::info_span!("span", of = "a\u{e9}");
                span.in_scope(|| tracing::info!(a = 1, "in a span"));
            },
        ];
        for log in events {
            let default = Format::default().json().with_timer(Clock);
            let default = default.flatten_event(true).with_target(false);
            assert_eq!(logged(PlainJson::new(), log), logged(default, log));
        }
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_line_that_means_the_same() {
        let line = logged(PlainJson::new(), || {
            tracing::info!(a = "\u{7f}\u{85}\u{9b}", b = %"\u{2028}\u{202e}", "é\u{85}");
        });
        let is_order = |c: char| (c.is_control() && c != '\n') || "\u{2028}\u{202e}".contains(c);
        assert!(!line.contains(is_order), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&format!("{{{line}")).unwrap();
        assert_eq!(value["a"], "\u{7f}\u{85}\u{9b}");
        assert_eq!(value["b"], "\u{2028}\u{202e}");
        assert_eq!(value["message"], "é\u{85}");
    }
}

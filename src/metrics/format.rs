use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// An exposition format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0; Prometheus since 2.5 requests and reads it.
    OpenMetrics,
    /// Prometheus's own text format, which every scraper reads.
    Text,
}

impl Format {
    /// Returns the format in `Accept` (RFC 9110 §12.5.1); the text format if it names neither.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let ranges: Vec<Range<'_>> = lines.flat_map(|line| line.split(',')).map(read).collect();
        let weight = |is_meant: fn(&Range<'_>) -> bool| {
            let ranges = ranges.iter().filter(|range| is_meant(range));
            ranges.map(|range| range.thousandths).max()
        };
        let open = weight(|range| range.is_open_metrics()).unwrap_or(0);
        let text = weight(|range| range.is_text()).unwrap_or(0);
        match open > 0 && open >= text {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        })
    }

    /// Converts OpenMetrics text to this format.
    pub(super) fn of_open_metrics(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Text => older(&text),
        }
    }
}

/// One media range of `Accept`.
struct Range<'a> {
    media: &'a str,
    version: Option<&'a str>,
    thousandths: u16,
}

impl Range<'_> {
    fn is_open_metrics(&self) -> bool {
        let is_ours = self.version.is_none_or(|version| version == "1.0.0");
        self.media
            .eq_ignore_ascii_case("application/openmetrics-text")
            && is_ours
    }

    fn is_text(&self) -> bool {
        self.media.eq_ignore_ascii_case("text/plain")
    }
}

fn read(range: &str) -> Range<'_> {
    let mut parts = range.split(';').map(str::trim);
    let mut read = Range {
        media: parts.next().unwrap_or_default(),
        version: None,
        thousandths: 1000,
    };
    for part in parts {
        match part.split_once('=') {
            Some(("version", version)) => read.version = Some(version.trim_matches('"')),
            Some(("q" | "Q", weight)) => read.thousandths = thousandths(weight),
            _ => {}
        }
    }
    read
}

/// RFC 9110 §12.4.2. An invalid weight counts as 0.
fn thousandths(weight: &str) -> u16 {
    let weight = weight.parse::<f64>().unwrap_or(0.0);
    (weight.clamp(0.0, 1.0) * 1000.0) as u16
}

/// The differences between the two: here a counter's family has the name of its samples, and there
/// is neither a unit nor an end.
fn older(text: &str) -> String {
    let is_counter = |family: &str| {
        let line = format!("# TYPE {family} counter");
        text.lines().any(|other| other == line)
    };
    let mut older = String::with_capacity(text.len());
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), _) => continue,
            (Some("#"), Some(kind), Some(family)) if is_counter(family) => {
                let rest = words.next().unwrap_or_default();
                older.push_str(&format!("# {kind} {family}_total {rest}"));
            }
            _ => older.push_str(line),
        }
        older.push('\n');
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_for(lines: &[&'static str]) -> Format {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_static(line));
        }
        Format::asked_for(&headers)
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        for lines in [
            &["application/openmetrics-text"][..],
            &["application/openmetrics-text; version=1.0.0; charset=utf-8"],
            // Prometheus 2 and 3.
            &[
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            ],
            &[
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.4,*/*;q=0.2",
            ],
            &["text/plain;q=0.5", "Application/OpenMetrics-Text"],
        ] {
            assert_eq!(asked_for(lines), Format::OpenMetrics, "{lines:?}");
        }
        for lines in [
            &[][..],
            &["*/*"],
            &["text/html, */*;q=0.8"],
            &["text/plain; version=0.0.4"],
            &["text/plain, application/openmetrics-text;q=0.5"],
            &["application/openmetrics-text;q=0"],
            &["application/openmetrics-text;q=x"],
            &["application/openmetrics-text;version=0.0.1"],
            &["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"],
        ] {
            assert_eq!(asked_for(lines), Format::Text, "{lines:?}");
        }
    }

    #[test]
    fn the_older_format_says_the_same() {
        let open = "# HELP a Of a # kind.\n# TYPE a counter\na_total{x=\"# EOF\"} 1\n\
                    # HELP b_seconds Time.\n# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n\
                    b_seconds_sum 1.0\n# EOF\n";
        let text = "# HELP a_total Of a # kind.\n# TYPE a_total counter\na_total{x=\"# EOF\"} 1\n\
                    # HELP b_seconds Time.\n# TYPE b_seconds histogram\nb_seconds_sum 1.0\n";
        assert_eq!(Format::Text.of_open_metrics(open.to_owned()), text);
        assert_eq!(Format::OpenMetrics.of_open_metrics(open.to_owned()), open);
    }
}

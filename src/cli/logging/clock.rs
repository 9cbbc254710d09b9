use std::cell::RefCell;
use std::fmt;
use std::time::{self, Duration, UNIX_EPOCH};

use jiff::Timestamp;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Writes the time as [`SystemTime`] does, to the letter, but makes a date of it only once a second.
#[derive(Debug)]
pub(super) struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        thread_local! {
            static STAMP: RefCell<Stamp> = RefCell::default();
        }
        let now = time::SystemTime::now().duration_since(UNIX_EPOCH);
        STAMP.with_borrow_mut(|stamp| {
            let text = now.ok().and_then(|now| stamp.at(now));
            match text {
                Some(text) => writer.write_str(text),
                None => SystemTime.format_time(writer),
            }
        })
    }
}

/// A time, and the second that it was written in.
#[derive(Debug, Default)]
struct Stamp {
    second: u64,
    text: String,
}

impl Stamp {
    /// Returns none for times that a timestamp cannot have.
    fn at(&mut self, since_epoch: Duration) -> Option<&str> {
        let (second, micros) = (since_epoch.as_secs(), since_epoch.subsec_micros());
        if second != self.second || self.text.is_empty() {
            let at = Timestamp::from_second(second.try_into().ok()?).ok()?;
            self.text = at.strftime("%Y-%m-%dT%H:%M:%S.").to_string();
            self.second = second;
        }
        self.text.truncate("2026-01-01T00:00:00.".len());
        for unit in [100_000, 10_000, 1_000, 100, 10, 1] {
            let digit = micros / unit % 10;
            self.text.push(char::from(b'0' + digit as u8));
        }
        self.text.push('Z');
        Some(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_time_is_written_in_full() {
        let mut stamp = Stamp::default();
        for (second, micros, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (951_782_400, 999_999, "2000-02-29T00:00:00.999999Z"),
            (951_782_401, 120_000, "2000-02-29T00:00:01.120000Z"),
            (1_798_761_599, 5, "2026-12-31T23:59:59.000005Z"),
            (0, 7, "1970-01-01T00:00:00.000007Z"),
        ] {
            let time = Duration::new(second, micros * 1_000);
            assert_eq!(stamp.at(time), Some(text));
        }
        assert_eq!(stamp.at(Duration::from_secs(u64::MAX)), None);
    }

    #[test]
    fn the_time_is_that_of_the_default() {
        let written = |clock: &dyn FormatTime| {
            let mut text = String::new();
            clock.format_time(&mut Writer::new(&mut text)).unwrap();
            text
        };
        let times = [written(&SystemTime), written(&Clock), written(&SystemTime)];
        assert!(times.is_sorted(), "{times:?}");
        assert!(
            times.iter().all(|time| time.len() == times[0].len()),
            "{times:?}"
        );
    }
}

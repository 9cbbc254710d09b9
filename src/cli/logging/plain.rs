//! Values as `Debug` and JSON alike write them, without the machinery of either.

use std::cell::RefCell;
use std::fmt::Write;

/// Lends an empty buffer that this thread keeps.
pub(super) fn with_buffer<T>(write: impl FnOnce(&mut String) -> T) -> T {
    thread_local! {
        static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
    }
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.clear();
            write(&mut buffer)
        }
        // A value may log while it is being written.
        Err(_) => write(&mut String::new()),
    })
}

/// Tells of a text that it stands between quotes as it is, and that no terminal obeys it.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain = |b: u8| matches!(b, b' '..=b'~') & (b != b'"') & (b != b'\\');
    // No end before the last byte: the compiler takes many at a time.
    text.bytes().fold(true, |plain, b| plain & is_plain(b))
}

/// Tells the same of what stands without quotes.
pub(super) fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

pub(super) fn push_u64(text: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Most are milliseconds, with three places at most.
pub(super) fn push_f64(text: &mut String, number: f64) {
    let thousandths = (number * 1e3).round();
    let is_short = (0.0..1e12).contains(&thousandths) && thousandths / 1e3 == number;
    if !is_short || number.is_sign_negative() {
        // A `String` takes everything.
        let _ = write!(text, "{number:?}");
        return;
    }
    let thousandths = thousandths as u64;
    push_u64(text, thousandths / 1_000);
    text.push('.');
    let places = thousandths % 1_000;
    let digit = |unit| char::from(b'0' + (places / unit % 10) as u8);
    text.push(digit(100));
    if !places.is_multiple_of(100) {
        text.push(digit(10));
    }
    if !places.is_multiple_of(10) {
        text.push(digit(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(push: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        push(&mut text);
        text
    }

    #[test]
    fn numbers_are_those_of_debug_and_of_json() {
        for number in [0, 7, 10, 99, 100, 12_345, u64::MAX] {
            assert_eq!(pushed(|text| push_u64(text, number)), number.to_string());
        }
        for number in [
            0.0,
            -0.0,
            1.0,
            0.001,
            0.01,
            0.1,
            0.12,
            0.123,
            12.5,
            100.05,
            0.1 + 0.2,
            -1.5,
            1e-7,
            999_999_999.999,
            1e9,
            1e11,
            1e16,
            1e300,
        ] {
            let text = pushed(|text| push_f64(text, number));
            assert_eq!(text, format!("{number:?}"));
            let read: f64 = serde_json::from_str(&text).unwrap();
            assert_eq!(read.to_bits(), number.to_bits());
        }
        for micros in (0..3_000_000_u64).step_by(7) {
            let number = micros as f64 / 1e3;
            assert_eq!(pushed(|text| push_f64(text, number)), format!("{number:?}"));
        }
    }

    #[test]
    fn what_is_plain_is_the_same_in_quotes() {
        for byte in 0..=0x7f_u8 {
            let text = char::from(byte).to_string();
            let quoted = format!("\"{text}\"");
            let is_same = format!("{text:?}") == quoted
                && serde_json::to_string(&text).unwrap() == quoted
                && byte != 0x7f;
            assert_eq!(is_plain(&text), is_same, "{byte}");
        }
        assert!(!is_plain("é") && !is_printable("é") && is_printable("\"\\"));
    }
}

use std::io::{self, Write};

use crate::cli::terminal::escape_json;

/// Writes the lines of a JSON log so that a terminal obeys nothing in them.
///
/// JSON allows DEL, the control characters of C1, and those that end a line or turn the writing
/// direction, as they are.
pub(super) struct PrintableWriter<W>(pub(super) W);

impl<W: Write> Write for PrintableWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n');
        if bytes.iter().all(is_plain) {
            return self.0.write_all(bytes);
        }
        // The log is written a whole line at a time, so that no character is cut in two.
        let line = escape_json(&String::from_utf8_lossy(bytes));
        self.0.write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_what_a_terminal_obeys_means_the_same() {
        for text in ["plain", "\u{e9}", "\u{7f}\u{85}\u{9b}", "\u{2028}\u{202e}"] {
            let json = serde_json::to_string(&[text]).unwrap() + "\n";
            let mut written = PrintableWriter(Vec::new());
            written.write_all(json.as_bytes()).unwrap();
            let written = String::from_utf8(written.0).unwrap();
            let is_order =
                |c: char| (c.is_control() && c != '\n') || c == '\u{2028}' || c == '\u{202e}';
            assert!(!written.contains(is_order), "{written:?}");
            assert!(written.ends_with('\n'));
            let read: [String; 1] = serde_json::from_str(&written).unwrap();
            assert_eq!(read, [text]);
        }
    }
}

//! What others wrote, made safe to show.
//!
//! Names, notes and addresses are free text of users and apps. A terminal takes control
//! characters in them as orders, and obeys marks that turn the direction of text around.

use std::borrow::Cow;

/// Writes what a terminal would obey as `\u{1b}`.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c.escape_unicode().to_string())
}

/// The same for JSON, where it stays the same JSON: none of these characters stands outside a
/// string, but the line breaks of the layout.
pub(crate) fn escape_json(json: &str) -> String {
    let lines: Vec<_> = json.split('\n').map(escape_json_line).collect();
    lines.join("\n")
}

fn escape_json_line(line: &str) -> Cow<'_, str> {
    // All of them are in the first plane, so no pair of surrogates is needed.
    replaced(line, |c| format!("\\u{:04x}", u32::from(c)))
}

fn replaced(text: &str, replacement: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(is_order) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_order(c) {
            safe.push_str(&replacement(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// C0, DEL and C1, which include the escape and the one-character CSI, the separators of lines,
/// and the marks of the bidirectional algorithm (UAX #9 §2).
fn is_order(c: char) -> bool {
    let is_mark = matches!(
        c,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || is_mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        for (text, shown) in [
            (
                "gists, \u{e9}\u{1f600} \\ \"",
                "gists, \u{e9}\u{1f600} \\ \"",
            ),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\nb\tc\u{7f}", "a\\u{a}b\\u{9}c\\u{7f}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn escaped_json_says_the_same() {
        let note = "\u{1b}[2J \u{9b}2J \u{202e} \u{7f} \n";
        let json = serde_json::to_string_pretty(&[note]).unwrap();
        let safe = escape_json(&json);
        assert!(!safe.contains(|c| is_order(c) && c != '\n'), "{safe:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).unwrap(), [note]);
    }
}

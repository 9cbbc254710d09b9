//! What to do about text that is no TOML.

use super::path::KeyPath;

/// Returns the key that a syntax error is about, as it stands in its line, and says what to do.
///
/// Nothing else of the line is repeated: it may be a secret.
pub(in crate::config) fn explain(line: &str, message: &str) -> (KeyPath, String) {
    if message == "duplicate key" {
        return (
            KeyPath::default(),
            format!("{message}; {}", duplicate(line)),
        );
    }
    let key = line.split_once('=').filter(|(key, value)| {
        let is_bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ');
        key.bytes().all(is_bare) && is_unquoted(value.trim_start())
    });
    match key {
        Some((key, _)) => (
            KeyPath::default().key(key.trim()),
            format!("{message}; put text in quotes, and write true, false and numbers without"),
        ),
        None => (KeyPath::default(), message.to_owned()),
    }
}

/// Tells whether a value begins like none that TOML has.
fn is_unquoted(value: &str) -> bool {
    !value.starts_with(['"', '\'', '[', '{'])
}

fn duplicate(line: &str) -> String {
    if line.trim_start().starts_with('[') {
        return "write a table once, as [a], or several times, each as [[a]]; put its parts, such \
         as [a.b], after it"
            .to_owned();
    }
    "the same table has it above; keep one".to_owned()
}

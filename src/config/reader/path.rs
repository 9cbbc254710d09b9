use std::fmt;

/// What every variable of ours begins with.
pub(in crate::config) const PREFIX: &str = "GHES_GATEKEEPER_";

/// The name of a key from the top of the configuration, such as `ghes.apps[0].client_id`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::config) struct KeyPath(String);

impl KeyPath {
    pub(in crate::config) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::config) fn key(&self, key: &str) -> Self {
        let dot = if self.is_root() { "" } else { "." };
        let key = match key {
            "" => "\"\"",
            key if is_name(key) => key,
            _ => HIDDEN,
        };
        Self(format!("{self}{dot}{key}"))
    }

    pub(in crate::config) fn item(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }

    /// Returns the same key of a `shared` table, if it is one of an item of `array`.
    pub(in crate::config) fn of_shared(&self, array: &str, shared: &str) -> Option<Self> {
        let rest = self.0.strip_prefix(array)?.strip_prefix('[')?;
        let (_, rest) = rest.split_once("].")?;
        Some(Self(format!("{shared}.{rest}")))
    }

    /// Returns how the header of this table begins in a file, where items are not numbered.
    pub(in crate::config) fn table(&self) -> String {
        self.0.split(['[', ']']).step_by(2).collect()
    }

    /// Returns this table's header in a file; none at the top, which has no header.
    pub(in crate::config) fn header(&self) -> Option<String> {
        let table = self.table();
        match (table.is_empty(), self.0.ends_with(']')) {
            (true, _) => None,
            (false, true) => Some(format!("[[{table}]]")),
            (false, false) => Some(format!("[{table}]")),
        }
    }

    /// Returns the environment variable that sets this key.
    pub(in crate::config) fn variable(&self) -> String {
        let levels = self.0.replace(['.', '['], "__").replace(']', "");
        format!("{PREFIX}{}", levels.to_ascii_uppercase())
    }
}

/// Tells whether a word that stands where a key belongs may be repeated.
///
/// It may be anything: a secret that lost its key, or text with a line break, which would forge a
/// line of the report. No key of ours, and no slip in one, is long, or has capitals or more than
/// two digits, as secrets have.
pub(in crate::config) fn is_name(word: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || matches!(b, b'_' | b'-');
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = word.bytes().all(|b| is_letter(b) || b.is_ascii_digit());
    let is_token =
        word.starts_with("github_pat_") || matches!(word.as_bytes(), [b'g', b'h', _, b'_', ..]);
    word.len() <= LONGEST && is_plain && digits <= 2 && !is_token
}

/// Stands in place of a word that may be a secret.
pub(in crate::config) const HIDDEN: &str = "[hidden]";

/// Longer than any key of ours.
const LONGEST: usize = 32;

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_name_in_the_file_and_one_in_the_environment() {
        let key = KeyPath::default().key("ghes").key("apps").item(0);
        let key = key.key("client_id");
        assert_eq!(key.to_string(), "ghes.apps[0].client_id");
        assert_eq!(key.variable(), "GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID");
    }

    #[test]
    fn a_key_cannot_forge_a_line() {
        let key = KeyPath::default().key("a\nb");
        assert_eq!(key.to_string(), HIDDEN);
    }

    #[test]
    fn what_may_be_a_secret_is_no_name() {
        for word in [
            "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
            "gho_abc",
            "ghp_abc",
            "github_pat_abc",
            "hunter123",
            "Secret",
            "pass word",
            "https://a:b@c",
            "abcdefghijklmnopqrstuvwxyzabcdefg",
        ] {
            assert!(!is_name(word), "{word}");
        }
        for word in [
            "url",
            "h2c",
            "urll",
            "client-id",
            "membership_max_age",
            "ghes_url",
        ] {
            assert!(is_name(word), "{word}");
        }
    }
}

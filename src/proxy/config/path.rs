use std::fmt;

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "GHES_GATEKEEPER_";

/// The name of a key from the top of the configuration, such as `ghes.apps[0].client_id`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct KeyPath(String);

impl KeyPath {
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn key(&self, key: &str) -> Self {
        let dot = if self.is_root() { "" } else { "." };
        // TOML lets a quoted key hold anything; a line break would forge a line of the report.
        let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !key.is_empty() && key.bytes().all(bare) {
            Self(format!("{self}{dot}{key}"))
        } else {
            Self(format!("{self}{dot}{key:?}"))
        }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }

    /// Returns how the header of this table begins in a file, where items are not numbered.
    pub(super) fn table(&self) -> String {
        self.0.split(['[', ']']).step_by(2).collect()
    }

    /// Returns this table's header in a file; none at the top, which has no header.
    pub(super) fn header(&self) -> Option<String> {
        let table = self.table();
        match (table.is_empty(), self.0.ends_with(']')) {
            (true, _) => None,
            (false, true) => Some(format!("[[{table}]]")),
            (false, false) => Some(format!("[{table}]")),
        }
    }

    /// Returns the environment variable that sets this key.
    pub(super) fn variable(&self) -> String {
        let levels = self.0.replace(['.', '['], "__").replace(']', "");
        format!("{PREFIX}{}", levels.to_ascii_uppercase())
    }
}

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
        assert_eq!(key.to_string(), r#""a\nb""#);
    }
}

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};

use crate::fold::is_listed;

/// A header that clients may not send to a tool, or a family of headers with a final `*`.
///
/// It stands for every name that a tool could confuse with it: `X-Role` for `x_role` and `X.ROLE`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StrippedHeader {
    /// In lower case, with a dash for every byte that is neither letter nor digit; a family ends in
    /// a dash.
    folded: Box<str>,
}

impl StrippedHeader {
    pub(crate) fn is_named(&self, name: &HeaderName) -> bool {
        is_listed(name.as_str(), &self.folded)
    }

    /// Returns the name in its usual spelling; none for a family.
    pub(crate) fn name(&self) -> Option<HeaderName> {
        let is_one = !self.is_family();
        is_one.then(|| HeaderName::try_from(&*self.folded).ok())?
    }

    fn is_family(&self) -> bool {
        self.folded.ends_with('-')
    }
}

impl FromStr for StrippedHeader {
    type Err = InvalidStrippedHeader;

    fn from_str(text: &str) -> Result<Self, InvalidStrippedHeader> {
        let family = text.strip_suffix("-*");
        let name = family.unwrap_or(text);
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !is_name || name.contains('*') || !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(InvalidStrippedHeader::Form);
        }
        let fold = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_lowercase(),
            false => '-',
        };
        let mut folded: String = name.chars().map(fold).collect();
        if family.is_some() {
            folded.push('-');
        } else if [AUTHORIZATION.as_str(), "proxy-authorization"].contains(&&*folded) {
            return Err(InvalidStrippedHeader::Credential);
        } else if [&HOST, &CONTENT_LENGTH, &TRANSFER_ENCODING]
            .iter()
            .any(|ours| ours.as_str() == folded)
        {
            return Err(InvalidStrippedHeader::Framing);
        }
        Ok(Self {
            folded: folded.into(),
        })
    }
}

impl fmt::Display for StrippedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folded)?;
        f.write_str(if self.is_family() { "*" } else { "" })
    }
}

/// The error for an invalid header name, or for a header that has to reach the gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidStrippedHeader {
    /// Neither a name nor the beginning of names.
    Form,
    /// The gate itself reads the credential, and keeps it from the tool by default.
    Credential,
    /// The gate itself sets it for every tool.
    Framing,
}

impl fmt::Display for InvalidStrippedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "not a header; write a name like X-Role, or X-Role-* for all that begin so"
            }
            Self::Credential => {
                "the gate reads it, and keeps it from the tool unless forward_token is true; drop it"
            }
            Self::Framing => "the gate always sets it itself; drop it",
        })
    }
}

impl std::error::Error for InvalidStrippedHeader {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listed: &str, name: &str) -> bool {
        let listed: StrippedHeader = listed.parse().unwrap();
        listed.is_named(&HeaderName::from_bytes(name.as_bytes()).unwrap())
    }

    #[test]
    fn a_header_is_meant_in_all_its_spellings() {
        for (listed, name) in [
            ("X-Role", "x-role"),
            ("x_role", "X-ROLE"),
            ("X-Role", "X.Role"),
            ("X-Role-*", "x-role-name"),
            ("x_role-*", "X_ROLE_NAME"),
            ("Cookie", "cookie"),
        ] {
            assert!(names(listed, name), "{listed} {name}");
        }
        for (listed, name) in [
            ("X-Role", "x-roles"),
            ("X-Role", "x-role-name"),
            ("X-Role-*", "x-role"),
            ("X-Role-*", "x-roles-name"),
            ("X-Role", "xrole"),
        ] {
            assert!(!names(listed, name), "{listed} {name}");
        }
    }

    #[test]
    fn it_is_written_in_one_way() {
        for (text, written) in [("X_Role", "x-role"), ("X-Role-*", "x-role-*")] {
            let parsed: StrippedHeader = text.parse().unwrap();
            assert_eq!(parsed.to_string(), written);
            assert_eq!(written.parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_header_or_the_gates_own_is_refused() {
        use InvalidStrippedHeader::{Credential, Form, Framing};
        for (text, error) in [
            ("", Form),
            ("X Role", Form),
            ("X-Role:", Form),
            ("X-*-Role", Form),
            ("X-Role*", Form),
            ("*", Form),
            ("-*", Form),
            ("X-Role-", Form),
            ("X-Röle", Form),
            ("Authorization", Credential),
            ("Proxy_Authorization", Credential),
            ("Host", Framing),
            ("content_length", Framing),
            ("Transfer-Encoding", Framing),
        ] {
            assert_eq!(text.parse::<StrippedHeader>(), Err(error), "{text}");
        }
    }
}

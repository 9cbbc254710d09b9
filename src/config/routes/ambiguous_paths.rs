use std::str::FromStr;

/// `ambiguous_paths`: what happens to paths whose readings cannot all be known.
///
/// A path passes without this if all its readings lead to one route: `/a%2Fb`, `//a`, `/a;b`. Of
/// some, servers make what they like: bytes that are no UTF-8, a percent sign that begins no
/// triplet, control characters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum AmbiguousPaths {
    /// `"refuse"`: they get 400.
    #[default]
    Refuse,
    /// `"forward"`: they pass where every reading that is known leads to this route.
    Forward,
}

impl AmbiguousPaths {
    /// Returns the word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Forward => "forward",
        }
    }
}

impl FromStr for AmbiguousPaths {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, &'static str> {
        match word {
            "refuse" => Ok(Self::Refuse),
            "forward" => Ok(Self::Forward),
            _ => Err("not known; write \"refuse\" or \"forward\""),
        }
    }
}

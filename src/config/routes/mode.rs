use std::str::FromStr;

/// `mode`: what becomes of what the gate decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RouteMode {
    /// `"enforce"`: it is done.
    #[default]
    Enforce,
    /// `"observe"`: it is logged and counted, and every request passes.
    Observe,
}

impl RouteMode {
    /// Returns the word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

impl FromStr for RouteMode {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, &'static str> {
        match word {
            "enforce" => Ok(Self::Enforce),
            "observe" => Ok(Self::Observe),
            _ => Err("not known; write \"enforce\" or \"observe\""),
        }
    }
}

use std::fmt;

use super::readings::Readings;
use super::steps::{decode_letters, undecoded};

/// A path that a configuration or a policy names, which stands for itself and all below it.
///
/// It has one reading, and no letter of it could be meant as a pattern: proxies and routers have
/// `*`, `{id}`, `:id` and regular expressions there, and a path that is taken to the letter where a
/// pattern was meant protects nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NamedPath {
    written: Box<str>,
    compared: Box<str>,
}

impl NamedPath {
    /// Reads a path; a slash at its end changes nothing.
    pub(crate) fn new(path: &str) -> Result<Self, InvalidPath> {
        if let Some(b) = path.bytes().find(|b| IS_PATTERN.contains(b)) {
            return Err(InvalidPath::Pattern(b));
        }
        if !path.starts_with('/') {
            return Err(InvalidPath::Relative);
        }
        let legal = |b: u8| b.is_ascii_graphic() && !b"#\\;".contains(&b);
        if !path.bytes().all(legal) {
            return Err(InvalidPath::Character);
        }
        let decoded = decode_letters(path);
        if !decoded.is_utf_8 || !decoded.is_well_formed {
            return Err(InvalidPath::Ambiguous);
        }
        let decoded = decoded.text;
        let bare = match decoded.strip_suffix('/') {
            None | Some("") => &*decoded,
            Some(bare) => bare,
        };
        let clear = |segment: &str| !matches!(segment, "" | "." | "..");
        if decoded != "/" && !bare.split('/').skip(1).all(clear) {
            return Err(InvalidPath::Segments);
        }
        Self::with_one_reading(bare)
    }

    fn with_one_reading(compared: &str) -> Result<Self, InvalidPath> {
        let written: Box<str> = written(compared).into();
        let readings = Readings::of(&written);
        if !readings.are_certain() || readings.iter().any(|reading| reading != compared) {
            return Err(InvalidPath::Ambiguous);
        }
        Ok(Self {
            written,
            compared: compared.into(),
        })
    }

    /// Returns the path as it stands in a request, percent-encoded.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns the path in the form of [`Readings`], without a slash at its end: `/` is empty.
    pub(crate) fn compared(&self) -> &str {
        self.compared.trim_end_matches('/')
    }

    /// Tells whether a reading is this path or below it.
    pub(crate) fn covers(&self, reading: &str) -> bool {
        let rest = reading.strip_prefix(self.compared());
        self.compared().is_empty() || rest.is_some_and(is_below)
    }

    /// Tells the same of a path as it came, for those that compare it so.
    pub(crate) fn covers_undecoded(&self, path: &str) -> bool {
        let written = self.written.trim_end_matches('/');
        let begin = path.get(..written.len());
        let is_written = begin.is_some_and(|begin| undecoded(begin) == written);
        self.covers(path) || (is_written && is_below(&path[written.len()..]))
    }
}

fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// What stands for something else in the paths of other proxies and of routers.
const IS_PATTERN: &[u8] = b"*?{}[]()<>^$|+:";

fn written(path: &str) -> String {
    let mut written = String::with_capacity(path.len());
    for &b in path.as_bytes() {
        let is_safe = b.is_ascii_graphic() && !IS_PATTERN.contains(&b) && !b"\"`%".contains(&b);
        if is_safe {
            written.push(char::from(b));
        } else {
            written.push_str(&format!("%{b:02X}"));
        }
    }
    written
}

/// Why a path cannot be named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InvalidPath {
    Relative,
    Character,
    Segments,
    Ambiguous,
    /// It has this letter.
    Pattern(u8),
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relative => "must start with a slash",
            Self::Character => {
                "must be visible ASCII without query, #, ; and backslash; \
                 write other letters percent-encoded"
            }
            Self::Segments => "leave out empty and dot segments",
            Self::Ambiguous => {
                "could be read in two ways; leave out what ends in a dot or a blank, and what is \
                 decoded to more than a letter"
            }
            Self::Pattern(b'?') => {
                "there are no patterns and no queries here, and ? would be a letter; end the path \
                 before it, as it stands for all below unless it is exact"
            }
            Self::Pattern(b) => return write_pattern(f, *b),
        })
    }
}

fn write_pattern(f: &mut fmt::Formatter<'_>, b: u8) -> fmt::Result {
    let letter = char::from(b);
    write!(
        f,
        "there are no patterns here, and {letter} would be a letter; end the path before it, as it \
         stands for all below unless it is exact, or write %{b:02X} if the letter is meant"
    )
}

impl std::error::Error for InvalidPath {}

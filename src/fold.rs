//! Header names as the most lenient upstream reads them.
//!
//! CGI, WSGI and PHP fold every byte but letters and digits of a name into one, so that
//! `X_Forwarded_User` and `x.forwarded.user` reach an application as `X-Forwarded-User`. Six
//! proxies have been bypassed that way. Every header that we own must be removed under all its
//! names.

use http::header::{HeaderMap, HeaderName};

/// Returns whether a name folds to `listed`, or has it as a prefix if `listed` ends in a dash.
pub(crate) fn is_listed(name: &str, listed: &str) -> bool {
    let is_as_long = if listed.ends_with('-') {
        name.len() > listed.len()
    } else {
        name.len() == listed.len()
    };
    is_as_long && starts_folded_bytes(name.as_bytes(), listed)
}

/// Removes all values of every header with an unwanted name.
pub(crate) fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let mut unwanted = Names::default();
    for name in headers.keys().filter(|name| is_unwanted(name)) {
        unwanted.push(name);
    }
    unwanted.remove_from(headers);
}

/// Names of headers to remove: mostly none, or one such as `Host`, for which nothing is allocated.
#[derive(Default)]
pub(crate) struct Names {
    first: Option<HeaderName>,
    others: Vec<HeaderName>,
}

impl Names {
    /// Separate, so that the loops around it stay small.
    #[cold]
    #[inline(never)]
    pub(crate) fn push(&mut self, name: &HeaderName) {
        match self.first {
            None => self.first = Some(name.clone()),
            Some(_) => self.others.push(name.clone()),
        }
    }

    /// Removes all values under these names.
    pub(crate) fn remove_from(self, headers: &mut HeaderMap) {
        if let Some(first) = self.first {
            headers.remove(first);
        }
        for name in self.others {
            headers.remove(name);
        }
    }
}

/// A `HeaderName` is in lower case already, so equal bytes fold to the same. Names that are not
/// listed mostly differ from a listed one at the end.
fn starts_folded_bytes(name: &[u8], folded: &str) -> bool {
    let mut pairs = name[..folded.len()].iter().zip(folded.as_bytes()).rev();
    pairs.all(|(&b, &wanted)| b == wanted || (wanted == b'-' && !b.is_ascii_alphanumeric()))
}

//! Header names as the sloppiest upstream reads them.
//!
//! CGI, WSGI and PHP fold every byte but letters and digits of a name into one, so that
//! `X_Forwarded_User` and `x.forwarded.user` reach an application as `X-Forwarded-User`. Six
//! proxies have been bypassed that way. Whatever we own must be removed under all its names.

use http::header::{HeaderMap, HeaderName};

/// Tells whether `name` folds to `folded`, which is in lower case with dashes.
#[cfg(feature = "proxy")]
pub(crate) fn folds_to(name: &HeaderName, folded: &str) -> bool {
    let name = name.as_str();
    name.len() == folded.len() && starts_folded_bytes(name.as_bytes(), folded)
}

/// Tells whether `name` folds to something that begins with `folded` and goes on.
#[cfg(feature = "proxy")]
pub(crate) fn starts_folded(name: &HeaderName, folded: &str) -> bool {
    let name = name.as_str();
    name.len() > folded.len() && starts_folded_bytes(name.as_bytes(), folded)
}

/// Tells whether a name folds to `listed`, or begins so and goes on if `listed` ends in a dash.
pub(crate) fn is_listed(name: &str, listed: &str) -> bool {
    let is_as_long = if listed.ends_with('-') {
        name.len() > listed.len()
    } else {
        name.len() == listed.len()
    };
    is_as_long && starts_folded_bytes(name.as_bytes(), listed)
}

/// Removes all values of every header whose name `is_unwanted`.
pub(crate) fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    // Almost every request has nothing to remove; then this is all.
    if headers.keys().any(&is_unwanted) {
        remove_each(headers, is_unwanted);
    }
}

/// Apart, so that the loop before it stays small.
#[cold]
#[inline(never)]
fn remove_each(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<HeaderName> = headers.keys().filter(|n| is_unwanted(n)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// A `HeaderName` is in lower case already, so that equal bytes fold to the same.
fn starts_folded_bytes(name: &[u8], folded: &str) -> bool {
    let mut pairs = name.iter().zip(folded.bytes());
    pairs.all(|(&b, wanted)| b == wanted || (wanted == b'-' && !b.is_ascii_alphanumeric()))
}

//! Header names as the sloppiest upstream reads them.
//!
//! CGI, WSGI and PHP fold every byte but letters and digits of a name into one, so that
//! `X_Forwarded_User` and `x.forwarded.user` reach an application as `X-Forwarded-User`. Six
//! proxies have been bypassed that way. Whatever we own must be removed under all its names.

use http::header::{HeaderMap, HeaderName};

/// Tells whether `name` folds to `folded`, which is in lower case with dashes.
pub(crate) fn folds_to(name: &HeaderName, folded: &str) -> bool {
    let name = name.as_str();
    name.len() == folded.len() && starts_folded_bytes(name.as_bytes(), folded)
}

/// Tells whether `name` folds to something that begins with `folded` and goes on.
pub(crate) fn starts_folded(name: &HeaderName, folded: &str) -> bool {
    let name = name.as_str();
    name.len() > folded.len() && starts_folded_bytes(name.as_bytes(), folded)
}

/// Removes all values of every header whose name `is_unwanted`.
pub(crate) fn remove_where(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    // Almost every request has nothing to remove; then this is all.
    if !headers.keys().any(&is_unwanted) {
        return;
    }
    let unwanted: Vec<HeaderName> = headers.keys().filter(|n| is_unwanted(n)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

fn starts_folded_bytes(name: &[u8], folded: &str) -> bool {
    let mut pairs = name.iter().zip(folded.bytes());
    pairs.all(|(&b, wanted)| fold(b) == wanted)
}

/// A `HeaderName` is in lower case already.
fn fold(b: u8) -> u8 {
    if b.is_ascii_alphanumeric() { b } else { b'-' }
}

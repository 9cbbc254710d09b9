//! Fields by which some frameworks take another method for the request's own.

use http::header::{HeaderMap, HeaderName};

use crate::fold::is_listed;
#[cfg(feature = "proxy")]
use crate::fold::remove_where;

/// Folded, so that they are found in every spelling that a framework may read.
const NAMES: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Removes fields that override the method that the decision was made for.
#[cfg(feature = "proxy")]
pub(crate) fn strip(headers: &mut HeaderMap) {
    remove_where(headers, overrides);
}

/// Tells whether a request has any of them.
pub(crate) fn is_there(headers: &HeaderMap) -> bool {
    headers.keys().any(overrides)
}

fn overrides(name: &HeaderName) -> bool {
    let mut names = NAMES.iter();
    names.any(|listed| is_listed(name.as_str(), listed))
}

//! What a reply says about the scopes of the token that was used.

use http::header::{HeaderMap, HeaderName};

use crate::scope::{Scope, Scopes};

/// Returns the scopes one of which would have been needed, if the token has none of them.
///
/// GitHub names both, `X-OAuth-Scopes` even if it is empty, to the tokens of OAuth apps. Those of
/// GitHub Apps have no scopes, so none can be missing.
pub(in crate::ghes) fn missing_scopes(headers: &HeaderMap) -> Option<Scopes> {
    let held = scopes(headers, &HELD)?;
    let accepted = scopes(headers, &ACCEPTED)?;
    (!accepted.is_empty() && !held.grant_any(&accepted)).then_some(accepted)
}

/// What is no scope is left out: it can neither be held nor asked for.
fn scopes(headers: &HeaderMap, name: &HeaderName) -> Option<Scopes> {
    let names = headers.get(name)?.to_str().ok()?;
    let each = names.split(',').map(|name| name.trim().parse::<Scope>());
    Some(each.filter_map(Result::ok).collect())
}

const HELD: HeaderName = HeaderName::from_static("x-oauth-scopes");
const ACCEPTED: HeaderName = HeaderName::from_static("x-accepted-oauth-scopes");

use http::Request;

use crate::config::IdentityHeaders;

/// Tells an upstream the login by the names it looks for.
///
/// Comes after the gate, which has removed what the client sent under any of these names.
pub(in crate::proxy) fn present<B>(request: &mut Request<B>, preset: IdentityHeaders) {
    // The gate's own name for it needs no change.
    if preset == IdentityHeaders::XForwarded {
        return;
    }
    let gates_own = &IdentityHeaders::XForwarded.of_the_login()[0];
    let headers = request.headers_mut();
    if let Some(login) = headers.remove(gates_own) {
        for name in preset.of_the_login() {
            headers.insert(name.clone(), login.clone());
        }
    }
}

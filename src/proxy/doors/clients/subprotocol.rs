//! A WebSocket whose token stands among its subprotocols becomes one with a credential.

use http::Request;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

use crate::bearer::{BearerError, subprotocol};
use crate::upstream::{is_handshake, note_offer};

/// Moves the token of a handshake to where the gate looks for it, beside a credential that is there:
/// two are one too many.
///
/// No other request keeps the field: it would mean nothing, and could hold a token.
#[cold]
pub(super) fn move_token<B>(request: &mut Request<B>) -> Result<(), BearerError> {
    if !is_handshake(request) {
        request.headers_mut().remove(SEC_WEBSOCKET_PROTOCOL);
        return Ok(());
    }
    let Some(offer) = subprotocol::take(request.headers_mut()) else {
        return Ok(());
    };
    let line = offer.line();
    // Also without a good token: where the gate only observes, the handshake goes on.
    note_offer(request, offer.others, offer.marker);
    request.headers_mut().append(AUTHORIZATION, line?);
    Ok(())
}

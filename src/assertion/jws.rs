//! The compact serialisation of RFC 7515 §7.1, in the one form that the signer writes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The type of JWT (RFC 8725 §3.11), so that a JWT of another type is not accepted as one.
const TYPE: &str = "gatekeeper-assertion+jwt";

/// All the members that a header has. An unknown one could change the meaning of the others, as
/// `crit` and `b64` do, or supply a key, as `jwk` and `jku` do.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The signed claims and the key that they name. None of it is verified yet.
#[derive(Debug)]
pub(super) struct Unverified<'t> {
    pub(super) algorithm: String,
    pub(super) kid: String,
    /// The bytes that are signed.
    pub(super) message: &'t [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Writes an encoded header.
pub(super) fn header(algorithm: &str, kid: &str) -> String {
    let header = Header {
        alg: algorithm.to_owned(),
        typ: TYPE.to_owned(),
        kid: kid.to_owned(),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap_or_default())
}

impl<'t> Unverified<'t> {
    /// Splits a compact serialisation.
    pub(super) fn read(jws: &'t [u8]) -> Option<Self> {
        let mut parts = jws.split(|b| *b == b'.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        // This engine refuses padding, and unused bits at the end.
        let decode = |part| URL_SAFE_NO_PAD.decode(part).ok();
        let message = &jws[..header.len() + 1 + payload.len()];
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        (header.typ == TYPE).then_some(())?;
        Some(Self {
            algorithm: header.alg,
            kid: header.kid,
            message,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

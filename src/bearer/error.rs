use std::fmt;

/// Why a request has no usable bearer token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BearerError {
    /// The request carries no credential.
    Missing,
    /// The credential is one of the scheme Basic.
    Basic,
    /// The credential is one of a scheme that is neither accepted nor Basic.
    OtherScheme,
    /// A WebSocket offers the token as its only subprotocol, so that nothing else could be answered.
    LoneProtocol,
    /// The credential does not have the form of RFC 6750 §2.1.
    Malformed,
    /// The subprotocols of a WebSocket announce a token, and there is none.
    MalformedProtocol,
    /// The password of a Basic credential cannot be a token.
    NotAToken,
    /// The token is in quotes.
    Quoted,
    /// The token is longer than [`BearerOptions::with_max_length`](super::BearerOptions::with_max_length) allows.
    TooLong,
    /// There are two credentials, and any of them might be the one that was meant.
    Multiple,
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the request carries no bearer token",
            Self::Basic => "the request carries Basic credentials and no bearer token",
            Self::OtherScheme => "the request carries a credential of another scheme",
            Self::NotAToken => "the Basic credential's password is no token",
            Self::Quoted => "the bearer token is in quotes",
            Self::LoneProtocol => "the token is the only subprotocol",
            Self::MalformedProtocol => "the subprotocols announce a token, and have none",
            Self::Malformed => "the Authorization header is not a well-formed bearer credential",
            Self::TooLong => "the bearer token is too long",
            Self::Multiple => "the request carries more than one credential",
        })
    }
}

impl std::error::Error for BearerError {}

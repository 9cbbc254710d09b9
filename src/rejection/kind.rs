use std::time::Duration;

use http::StatusCode;

/// What kind of rejection it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The upstream refused the connection, broke it, or answered with nonsense.
    BadGateway,
    /// The client expects something of the server that it does not do.
    ExpectationFailed,
    /// A policy turned this person away.
    Forbidden,
    /// The upstream was too slow.
    GatewayTimeout,
    /// There are too many header fields, or too long ones.
    HeaderFieldsTooLarge,
    /// The token lacks a scope.
    InsufficientScope,
    /// The request or its credential is malformed, or there are two credentials.
    InvalidRequest,
    /// The issuer says that the token is no good.
    InvalidToken,
    /// The request has passed this gate before.
    LoopDetected,
    /// There are routes for the path, but none for the method.
    MethodNotAllowed,
    /// The gate does not serve the host that the request is for.
    MisdirectedRequest,
    /// The request carries no bearer token.
    MissingToken,
    /// No route is configured for the request.
    NoRoute,
    /// The method is never forwarded, or the body's transfer coding is not known.
    NotImplemented,
    /// The client has too many requests under way.
    TooManyAtOnce,
    /// The client sends too many unknown tokens.
    TooManyRequests,
    /// The issuer could not be asked.
    Unavailable,
    /// The upstream has as many requests to answer as it may have.
    UpstreamBusy,
    /// The path and query are too long.
    UriTooLong,
}

/// What a client is told for one kind of rejection.
pub(super) struct Row {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
    /// The error code of the challenge, empty for a challenge without one.
    pub(super) challenge: Option<&'static str>,
}

impl RejectionKind {
    /// Every kind there is.
    pub const ALL: [Self; 19] = [
        Self::BadGateway,
        Self::ExpectationFailed,
        Self::Forbidden,
        Self::GatewayTimeout,
        Self::HeaderFieldsTooLarge,
        Self::InsufficientScope,
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::LoopDetected,
        Self::MethodNotAllowed,
        Self::MisdirectedRequest,
        Self::MissingToken,
        Self::NoRoute,
        Self::NotImplemented,
        Self::TooManyAtOnce,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::UpstreamBusy,
        Self::UriTooLong,
    ];

    /// Returns the kind as one lower-case word, as it stands in the problem's `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().reason
    }

    /// How long a client is to wait where nothing tells it better.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooManyAtOnce | Self::UpstreamBusy => Some(BUSY),
            _ => None,
        }
    }

    /// The whole table, in one place.
    pub(super) const fn row(self) -> Row {
        match self {
            Self::BadGateway => row(
                StatusCode::BAD_GATEWAY,
                "bad_gateway",
                "Bad gateway",
                "The service behind this gate sent no valid response.",
                None,
            ),
            Self::ExpectationFailed => row(
                StatusCode::EXPECTATION_FAILED,
                "expectation_failed",
                "Expectation failed",
                "This gate supports no expectation other than 100-continue.",
                None,
            ),
            Self::Forbidden => row(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Not allowed",
                "You are known, but not allowed to do this.",
                None,
            ),
            Self::GatewayTimeout => row(
                StatusCode::GATEWAY_TIMEOUT,
                "gateway_timeout",
                "Gateway timeout",
                "The service behind this gate did not answer in time.",
                None,
            ),
            Self::HeaderFieldsTooLarge => row(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "header_fields_too_large",
                "Header fields too large",
                "The request has too many header fields, or too long ones.",
                None,
            ),
            Self::InsufficientScope => row(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "Insufficient scope",
                "The access token lacks a required scope.",
                Some("insufficient_scope"),
            ),
            Self::InvalidRequest => row(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Invalid request",
                "The request or its credential is malformed.",
                Some("invalid_request"),
            ),
            Self::InvalidToken => row(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "Invalid token",
                "The access token is unknown, revoked or expired, or belongs to another app.",
                Some("invalid_token"),
            ),
            Self::LoopDetected => row(
                StatusCode::LOOP_DETECTED,
                "loop_detected",
                "Loop detected",
                "The request has passed this gate before: a proxy forwards it in a loop.",
                None,
            ),
            Self::MethodNotAllowed => row(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "This path does not allow this method; see Allow.",
                None,
            ),
            Self::MisdirectedRequest => row(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected_request",
                "Misdirected request",
                "This gate does not serve the host that you asked for.",
                None,
            ),
            Self::MissingToken => row(
                StatusCode::UNAUTHORIZED,
                "missing_token",
                "Access token required",
                "Send a GitHub access token as Authorization: Bearer.",
                Some(""),
            ),
            Self::NoRoute => row(
                StatusCode::NOT_FOUND,
                "no_route",
                "No such route",
                "No route matches this request.",
                None,
            ),
            Self::NotImplemented => row(
                StatusCode::NOT_IMPLEMENTED,
                "not_implemented",
                "Not supported",
                "This gate does not forward this method or transfer coding.",
                None,
            ),
            Self::TooManyAtOnce => row(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_at_once",
                "Too many requests at once",
                "Too many requests from your address are in progress. Try again when some have ended.",
                None,
            ),
            Self::TooManyRequests => row(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests",
                "Too many unknown access tokens came from your address. Yours may still be \
                 valid.",
                None,
            ),
            Self::Unavailable => row(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Token check unavailable",
                "The access token could not be checked right now. It may still be valid.",
                None,
            ),
            Self::UpstreamBusy => row(
                StatusCode::SERVICE_UNAVAILABLE,
                "upstream_busy",
                "Service busy",
                "The service behind this gate has too many requests right now.",
                None,
            ),
            Self::UriTooLong => row(
                StatusCode::URI_TOO_LONG,
                "uri_too_long",
                "URI too long",
                "The path and query are too long.",
                None,
            ),
        }
    }
}

const fn row(
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    detail: &'static str,
    challenge: Option<&'static str>,
) -> Row {
    Row {
        status,
        reason,
        title,
        detail,
        challenge,
    }
}

/// Places get free at any moment; clients that come back at once would only take turns in vain.
const BUSY: Duration = Duration::from_secs(1);

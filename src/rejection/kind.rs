use std::time::Duration;

use http::StatusCode;

use super::grpc::{
    INTERNAL, PERMISSION_DENIED, UNAUTHENTICATED, UNAVAILABLE, UNIMPLEMENTED, UNKNOWN,
};

/// What a client is told for one kind of rejection.
pub(super) struct Row {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
    /// The error code of the challenge, empty for a challenge without one.
    pub(super) challenge: Option<&'static str>,
    /// The status of gRPC.
    pub(super) grpc: u16,
    /// How long a client is to wait where nothing tells it better.
    retry_after: Option<Duration>,
}

/// Makes of one row a kind, and all that a client is told for it.
macro_rules! rejections {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident {
            status: $status:ident,
            reason: $reason:literal,
            title: $title:literal,
            detail: $detail:literal,
            challenge: $challenge:expr,
            grpc: $grpc:ident,
            retry_after: $retry_after:expr,
        }
    )*) => {
        /// What kind of rejection it is.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum RejectionKind {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nIts reason is `", $reason, "`, its status [`", stringify!($status), "`](StatusCode::", stringify!($status), ").")]
                $kind,
            )*
        }

        impl RejectionKind {
            /// Every kind there is.
            pub const ALL: [Self; [$($reason),*].len()] = [$(Self::$kind),*];

            /// The whole table, in one place.
            pub(super) const fn row(self) -> Row {
                match self {
                    $(Self::$kind => Row {
                        status: StatusCode::$status,
                        reason: $reason,
                        title: $title,
                        detail: $detail,
                        challenge: $challenge,
                        grpc: $grpc,
                        retry_after: $retry_after,
                    },)*
                }
            }
        }
    };
}

rejections! {
    /// The upstream refused the connection, broke it, or answered with nonsense.
    BadGateway {
        status: BAD_GATEWAY,
        reason: "bad_gateway",
        title: "Bad gateway",
        detail: "The service behind this gate sent no valid response.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: None,
    }
    /// The client expects something of the server that it does not do.
    ExpectationFailed {
        status: EXPECTATION_FAILED,
        reason: "expectation_failed",
        title: "Expectation failed",
        detail: "This gate supports no expectation other than 100-continue.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// A policy turned this person away.
    Forbidden {
        status: FORBIDDEN,
        reason: "forbidden",
        title: "Not allowed",
        detail: "You are known, but not allowed to do this.",
        challenge: None,
        grpc: PERMISSION_DENIED,
        retry_after: None,
    }
    /// The upstream was too slow.
    GatewayTimeout {
        status: GATEWAY_TIMEOUT,
        reason: "gateway_timeout",
        title: "Gateway timeout",
        detail: "The service behind this gate did not answer in time.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: None,
    }
    /// There are too many header fields, or too long ones.
    HeaderFieldsTooLarge {
        status: REQUEST_HEADER_FIELDS_TOO_LARGE,
        reason: "header_fields_too_large",
        title: "Header fields too large",
        detail: "The request has too many header fields, or too long ones.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// The token lacks a scope.
    InsufficientScope {
        status: FORBIDDEN,
        reason: "insufficient_scope",
        title: "Insufficient scope",
        detail: "The access token lacks a required scope.",
        challenge: Some("insufficient_scope"),
        grpc: PERMISSION_DENIED,
        retry_after: None,
    }
    /// A caller that asks about tokens does not prove who it is.
    InvalidClient {
        status: UNAUTHORIZED,
        reason: "invalid_client",
        title: "Caller not known",
        detail: "Authenticate with the id and secret of a caller: by Basic, or the secret as Bearer.",
        challenge: None,
        grpc: UNAUTHENTICATED,
        retry_after: None,
    }
    /// The request or its credential is malformed, or there are two credentials.
    InvalidRequest {
        status: BAD_REQUEST,
        reason: "invalid_request",
        title: "Invalid request",
        detail: "The request or its credential is malformed.",
        challenge: Some("invalid_request"),
        grpc: INTERNAL,
        retry_after: None,
    }
    /// The issuer says that the token is no good.
    InvalidToken {
        status: UNAUTHORIZED,
        reason: "invalid_token",
        title: "Invalid token",
        detail: "The access token is unknown, revoked or expired, or belongs to another app.",
        challenge: Some("invalid_token"),
        grpc: UNAUTHENTICATED,
        retry_after: None,
    }
    /// The request has passed this gate before.
    LoopDetected {
        status: LOOP_DETECTED,
        reason: "loop_detected",
        title: "Loop detected",
        detail: "The request has passed this gate before: a proxy forwards it in a loop.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// There are routes for the path, but none for the method.
    MethodNotAllowed {
        status: METHOD_NOT_ALLOWED,
        reason: "method_not_allowed",
        title: "Method not allowed",
        detail: "This path does not allow this method; see Allow.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// The gate does not serve the host that the request is for.
    MisdirectedRequest {
        status: MISDIRECTED_REQUEST,
        reason: "misdirected_request",
        title: "Misdirected request",
        detail: "This gate does not serve the host that you asked for.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// The request carries no bearer token.
    MissingToken {
        status: UNAUTHORIZED,
        reason: "missing_token",
        title: "Access token required",
        detail: "Send a GitHub access token as Authorization: Bearer.",
        challenge: Some(""),
        grpc: UNAUTHENTICATED,
        retry_after: None,
    }
    /// No route is configured for the request.
    NoRoute {
        status: NOT_FOUND,
        reason: "no_route",
        title: "No such route",
        detail: "No route matches this request.",
        challenge: None,
        grpc: UNIMPLEMENTED,
        retry_after: None,
    }
    /// The method is never forwarded, or the body's transfer coding is not known.
    NotImplemented {
        status: NOT_IMPLEMENTED,
        reason: "not_implemented",
        title: "Not supported",
        detail: "This gate does not forward this method or transfer coding.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
    /// The client has too many requests under way.
    TooManyAtOnce {
        status: TOO_MANY_REQUESTS,
        reason: "too_many_at_once",
        title: "Too many requests at once",
        detail: "Too many requests from your address are in progress. Try again when some have ended.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: Some(BUSY),
    }
    /// The client sends too many unknown tokens.
    TooManyRequests {
        status: TOO_MANY_REQUESTS,
        reason: "too_many_requests",
        title: "Too many requests",
        detail: "Too many unknown access tokens came from your address. Yours may still be \
                 valid.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: None,
    }
    /// The issuer could not be asked.
    Unavailable {
        status: SERVICE_UNAVAILABLE,
        reason: "unavailable",
        title: "Token check unavailable",
        detail: "The access token could not be checked right now. It may still be valid.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: None,
    }
    /// The upstream has as many requests to answer as it may have.
    UpstreamBusy {
        status: SERVICE_UNAVAILABLE,
        reason: "upstream_busy",
        title: "Service busy",
        detail: "The service behind this gate has too many requests right now.",
        challenge: None,
        grpc: UNAVAILABLE,
        retry_after: Some(BUSY),
    }
    /// The path and query are too long.
    UriTooLong {
        status: URI_TOO_LONG,
        reason: "uri_too_long",
        title: "URI too long",
        detail: "The path and query are too long.",
        challenge: None,
        grpc: UNKNOWN,
        retry_after: None,
    }
}

impl RejectionKind {
    /// Returns the kind as one lower-case word, as it stands in the problem's `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().reason
    }

    pub(crate) fn asks_who(self) -> bool {
        self.row().status == StatusCode::UNAUTHORIZED
    }

    /// Tells whether it is no fault of the request or its sender.
    #[cfg_attr(
        not(feature = "proxy"),
        expect(dead_code, reason = "nobody else counts")
    )]
    pub(crate) fn is_ours(self) -> bool {
        self.row().status.is_server_error()
    }

    /// How long a client is to wait where nothing tells it better.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        self.row().retry_after
    }
}

/// Places get free at any moment; clients that come back at once would only take turns in vain.
const BUSY: Duration = Duration::from_secs(1);

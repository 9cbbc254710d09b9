use super::RejectionKind;
use crate::bearer::BearerError;
use crate::check::InactiveReason;
use crate::token::TokenKind;

/// What exactly was wrong with a request, where its kind alone would leave the client guessing.
///
/// A closed list: a detail never quotes the request, so that neither a response nor the log can
/// repeat a secret that stood in the wrong place. None tells anything about a token beyond what
/// its bearer can see.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RejectionDetail {
    /// The path could be read in two ways, which may lead to different routes.
    AmbiguousPath,
    /// A line of the request's head ends with LF alone.
    BareLineFeed,
    /// `Authorization` has the scheme Basic.
    Basic,
    /// An Envoy asks by `ext_authz` about a path that is none.
    EnvoyQuestion,
    /// `Destination` (RFC 4918 §10.3) names no path of the request's own route.
    ForeignDestination,
    /// A proxy asks without the `X-Forwarded-*` fields that say about what.
    ForwardedQuestion,
    /// The token is one of an installation of a GitHub App.
    InstallationToken,
    /// There is a `Content-Length` beside a `Transfer-Encoding`.
    LengthAndCoding,
    /// A WebSocket offers its token as its only subprotocol.
    LoneProtocol,
    /// `Authorization` is not a bearer credential in the form of RFC 6750 §2.1.
    MalformedCredential,
    /// The subprotocols of a WebSocket announce a token, and there is none.
    MalformedProtocol,
    /// A proxy asks without a method, and routes for the path differ by it.
    MethodsDiffer,
    /// There is more than one credential.
    MultipleCredentials,
    /// An nginx asks without the `X-Original-*` fields that say about what.
    NginxQuestion,
    /// HTTP/1.0 names no host, and routes depend on one.
    NoHost,
    /// A proxy asks at a path at which nothing is asked.
    NoSuchQuestion,
    /// The password of a Basic credential cannot be a token.
    NotAToken,
    /// An nginx with the snippet of oauth2-proxy asks without the fields that say about what.
    OAuth2ProxyQuestion,
    /// A proxy passes on an `X-Forwarded-Host` other than the host of its request.
    OtherForwardedHost,
    /// `Authorization` has a scheme that is neither Bearer nor Basic.
    OtherScheme,
    /// A page of another site asks, with the cookie of a session.
    OtherSite,
    /// A field names another method, routes depend on the method, and the proxy that asks would
    /// pass the field on.
    OverriddenMethod,
    /// The token is a personal access token.
    PersonalAccessToken,
    /// The request is plain HTTP, and was sent to a port that speaks TLS.
    PlainHttpToTls,
    /// The token is in quotes.
    QuotedToken,
    /// The token is one that renews others.
    RefreshToken,
    /// The token is longer than any that is accepted.
    TokenTooLong,
    /// A peer that is no trusted proxy asks about a request.
    UntrustedProxy,
}

/// What a client and the log are told for one detail.
pub(super) struct Row {
    pub(super) kind: RejectionKind,
    pub(super) word: &'static str,
    /// Visible ASCII without a percent sign, so that it can be a `grpc-message` as it is.
    pub(super) text: &'static str,
}

impl RejectionDetail {
    /// Every detail there is.
    pub const ALL: [Self; 28] = [
        Self::AmbiguousPath,
        Self::BareLineFeed,
        Self::Basic,
        Self::EnvoyQuestion,
        Self::ForeignDestination,
        Self::ForwardedQuestion,
        Self::InstallationToken,
        Self::LengthAndCoding,
        Self::LoneProtocol,
        Self::MalformedCredential,
        Self::MalformedProtocol,
        Self::MethodsDiffer,
        Self::MultipleCredentials,
        Self::NginxQuestion,
        Self::NoHost,
        Self::NoSuchQuestion,
        Self::NotAToken,
        Self::OAuth2ProxyQuestion,
        Self::OtherForwardedHost,
        Self::OtherScheme,
        Self::OtherSite,
        Self::OverriddenMethod,
        Self::PersonalAccessToken,
        Self::PlainHttpToTls,
        Self::QuotedToken,
        Self::RefreshToken,
        Self::TokenTooLong,
        Self::UntrustedProxy,
    ];

    /// Returns the detail as one lower-case word, as it stands in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().word
    }

    /// Returns the kind of rejection that this is a detail of.
    #[must_use]
    pub const fn kind(self) -> RejectionKind {
        self.row().kind
    }

    /// The whole table, in one place.
    pub(super) const fn row(self) -> Row {
        match self {
            Self::AmbiguousPath => row(
                RejectionKind::InvalidRequest,
                "ambiguous_path",
                "The path could be read in two ways. Send it without encoded or doubled slashes, dot segments and parameters.",
            ),
            Self::BareLineFeed => row(
                RejectionKind::InvalidRequest,
                "bare_line_feed",
                "A line of the request's head ends with LF alone. End each line with CRLF.",
            ),
            Self::Basic => row(
                RejectionKind::MissingToken,
                "basic",
                "The request has Basic credentials. Send a GitHub access token as Authorization: Bearer.",
            ),
            Self::EnvoyQuestion => row(
                RejectionKind::InvalidRequest,
                "envoy_question",
                "The proxy that asks must put the path of the request behind the path_prefix /auth/envoy, and the host of the request into Host.",
            ),
            Self::ForeignDestination => row(
                RejectionKind::InvalidRequest,
                "foreign_destination",
                "The Destination header names no path of the request's route. Name one on the same host.",
            ),
            Self::ForwardedQuestion => row(
                RejectionKind::InvalidRequest,
                "forwarded_question",
                "The proxy that asks must set X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Uri, each once.",
            ),
            Self::InstallationToken => row(
                RejectionKind::InvalidToken,
                "installation_token",
                "Installation tokens (ghs_) are not accepted, because they have no user. Send a token that an app issued to a user.",
            ),
            Self::LengthAndCoding => row(
                RejectionKind::InvalidRequest,
                "length_and_coding",
                "The request has both Content-Length and Transfer-Encoding. Send only one.",
            ),
            Self::LoneProtocol => row(
                RejectionKind::InvalidRequest,
                "lone_protocol",
                "The token is the only WebSocket subprotocol. Offer another one beside it: the token is never answered.",
            ),
            Self::MalformedProtocol => row(
                RejectionKind::InvalidRequest,
                "malformed_protocol",
                "Sec-WebSocket-Protocol announces an access token and has none. Offer bearer, and the token after it.",
            ),
            Self::MalformedCredential => row(
                RejectionKind::InvalidRequest,
                "malformed_credential",
                "The Authorization header is malformed. Send Authorization: Bearer, one space and the token.",
            ),
            Self::MethodsDiffer => row(
                RejectionKind::InvalidRequest,
                "methods_differ",
                "Routes for this path differ by method, and the question at /oauth2/auth has none. Ask at /auth/nginx.",
            ),
            Self::MultipleCredentials => row(
                RejectionKind::InvalidRequest,
                "multiple_credentials",
                "The request has more than one credential: a second Authorization header, an access_token in the query, or one among WebSocket subprotocols. Send only one.",
            ),
            Self::NginxQuestion => row(
                RejectionKind::InvalidRequest,
                "nginx_question",
                "The nginx that asks must set X-Original-Method, and either X-Original-URL or all of X-Original-URI, X-Original-Host and X-Original-Proto, each once.",
            ),
            Self::NoHost => row(
                RejectionKind::InvalidRequest,
                "no_host",
                "The request names no host. Send a Host header: routes depend on it.",
            ),
            Self::NoSuchQuestion => row(
                RejectionKind::NoRoute,
                "no_such_question",
                "Nothing is asked at this path. Ask at /auth/nginx, /auth/traefik, /auth/caddy or /auth/envoy.",
            ),
            Self::NotAToken => row(
                RejectionKind::InvalidToken,
                "not_a_token",
                "The password is not a GitHub access token. Send one as the password, with any user name.",
            ),
            Self::OAuth2ProxyQuestion => row(
                RejectionKind::InvalidRequest,
                "oauth2_proxy_question",
                "The nginx that asks must set Host and X-Forwarded-Uri, each once.",
            ),
            Self::OtherForwardedHost => row(
                RejectionKind::MisdirectedRequest,
                "other_forwarded_host",
                "X-Forwarded-Host and the host of the request differ. The proxy in front of this gate must set or remove X-Forwarded-Host.",
            ),
            Self::OtherScheme => row(
                RejectionKind::MissingToken,
                "other_scheme",
                "The Authorization header does not use the scheme Bearer. Send a GitHub access token as Authorization: Bearer.",
            ),
            Self::OtherSite => row(
                RejectionKind::Forbidden,
                "other_site",
                "A page of another site sent this request, with the session of this one. Open a page of this site, or send a token.",
            ),
            Self::OverriddenMethod => row(
                RejectionKind::InvalidRequest,
                "overridden_method",
                "A header field names another method, and routes depend on the method. Send the request without it.",
            ),
            Self::PersonalAccessToken => row(
                RejectionKind::InvalidToken,
                "personal_access_token",
                "Personal access tokens (ghp_, github_pat_) are not accepted. Send a token that an app issued to a user.",
            ),
            Self::PlainHttpToTls => row(
                RejectionKind::InvalidRequest,
                "plain_http_to_tls",
                "The request is plain HTTP, but this port speaks TLS. Use https://.",
            ),
            Self::QuotedToken => row(
                RejectionKind::InvalidRequest,
                "quoted_token",
                "The access token is in quotes. Send it without them.",
            ),
            Self::RefreshToken => row(
                RejectionKind::InvalidToken,
                "refresh_token",
                "Refresh tokens (ghr_) are not accepted. Send the access token that you got with it.",
            ),
            // It has the form of a token, but no issuer makes one so long.
            Self::TokenTooLong => row(
                RejectionKind::InvalidToken,
                "token_too_long",
                "The access token is longer than any that this gate accepts.",
            ),
            Self::UntrustedProxy => row(
                RejectionKind::Forbidden,
                "untrusted_proxy",
                "Only a proxy of server.trusted_proxies may ask. Add the address of the one that asks.",
            ),
        }
    }
}

const fn row(kind: RejectionKind, word: &'static str, text: &'static str) -> Row {
    Row { kind, word, text }
}

/// None where the request simply has no credential: the kind says all of it.
impl From<BearerError> for Option<RejectionDetail> {
    fn from(error: BearerError) -> Self {
        Some(match error {
            BearerError::Missing => return None,
            BearerError::Basic => RejectionDetail::Basic,
            BearerError::LoneProtocol => RejectionDetail::LoneProtocol,
            BearerError::MalformedProtocol => RejectionDetail::MalformedProtocol,
            BearerError::Malformed => RejectionDetail::MalformedCredential,
            BearerError::Multiple => RejectionDetail::MultipleCredentials,
            BearerError::NotAToken => RejectionDetail::NotAToken,
            BearerError::OtherScheme => RejectionDetail::OtherScheme,
            BearerError::Quoted => RejectionDetail::QuotedToken,
            BearerError::TooLong => RejectionDetail::TokenTooLong,
        })
    }
}

/// None for what GHES says of a token: the client does not learn the reason.
impl From<InactiveReason> for Option<RejectionDetail> {
    fn from(reason: InactiveReason) -> Self {
        let InactiveReason::WrongKind(kind) = reason else {
            return None;
        };
        match kind {
            TokenKind::PersonalAccess => Some(RejectionDetail::PersonalAccessToken),
            TokenKind::Refresh => Some(RejectionDetail::RefreshToken),
            TokenKind::ServerToServer => Some(RejectionDetail::InstallationToken),
            TokenKind::OAuth | TokenKind::Other | TokenKind::UserToServer => None,
        }
    }
}

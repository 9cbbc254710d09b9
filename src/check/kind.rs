/// What kind of failure kept us from an answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CheckErrorKind {
    /// The reply is about another app or another token. An operator must look at it.
    AppMismatch,
    /// The connection was closed before the first byte of a reply.
    Closed,
    /// No connection could be made.
    Connect,
    /// The issuer rejected our client id and secret. An operator must look at it.
    CredentialsRefused,
    /// The issuer's name could not be resolved.
    Dns,
    /// A reply that raises doubt whether it is the issuer that answers, or how long the token
    /// lives.
    DoubtfulResponse,
    /// The issuer refused the call: the app is suspended, or our address is not allowed.
    Forbidden,
    /// The issuer has failed too often of late, so that it was not asked.
    Outage,
    /// A proxy on the way to the issuer refused to connect to it. An operator must look at it.
    ProxyRefused,
    /// We asked too often.
    RateLimited,
    /// A redirect. Credentials are never sent after one.
    Redirect,
    /// The issuer failed, and said so with a 5xx status.
    ServerError,
    /// Our own limits kept the check from being sent.
    Shed,
    /// No reply in time.
    Timeout,
    /// TLS could not be agreed on, or the issuer's certificate was not accepted.
    Tls,
    /// A reply longer than any that the interface has.
    TooLarge,
    /// The reply broke off.
    Truncated,
    /// The check service failed in a way that it does not name.
    Unavailable,
    /// A reply that the documented interface does not have.
    UnexpectedResponse,
}

impl CheckErrorKind {
    /// Every kind there is.
    pub const ALL: [Self; 19] = [
        Self::AppMismatch,
        Self::Closed,
        Self::Connect,
        Self::CredentialsRefused,
        Self::Dns,
        Self::DoubtfulResponse,
        Self::Forbidden,
        Self::Outage,
        Self::ProxyRefused,
        Self::RateLimited,
        Self::Redirect,
        Self::ServerError,
        Self::Shed,
        Self::Timeout,
        Self::Tls,
        Self::TooLarge,
        Self::Truncated,
        Self::Unavailable,
        Self::UnexpectedResponse,
    ];

    /// Returns the kind as one lower-case word, for logs and metrics; some kinds share one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppMismatch => "app_mismatch",
            Self::Closed | Self::Truncated => "truncated",
            Self::Connect | Self::ProxyRefused => "connect",
            Self::CredentialsRefused => "client_auth_failed",
            Self::Dns => "dns",
            Self::DoubtfulResponse | Self::UnexpectedResponse => "bad_response",
            Self::Forbidden => "ghes_forbidden",
            Self::Outage => "outage",
            Self::RateLimited => "rate_limited",
            Self::Redirect => "redirect",
            Self::ServerError => "ghes_5xx",
            Self::Shed => "shed",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }

    /// Tells whether the issuer is merely out of reach, so that what it confirmed not long ago may
    /// go on being trusted where a grace period is configured.
    ///
    /// Not so where the issuer answered and it was a refusal of the call, or where it is in doubt
    /// who answered.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        match self {
            Self::Closed
            | Self::Connect
            | Self::Dns
            | Self::Outage
            | Self::ProxyRefused
            | Self::RateLimited
            | Self::ServerError
            | Self::Shed
            | Self::Timeout
            | Self::Tls
            | Self::Truncated
            | Self::Unavailable
            | Self::UnexpectedResponse => true,
            Self::AppMismatch
            | Self::CredentialsRefused
            | Self::DoubtfulResponse
            | Self::Forbidden
            | Self::Redirect
            | Self::TooLarge => false,
        }
    }

    /// Tells whether it is about the app that asks, and says nothing about what the issuer would
    /// tell another one.
    #[must_use]
    pub const fn is_about_app(self) -> bool {
        matches!(
            self,
            Self::AppMismatch | Self::CredentialsRefused | Self::Forbidden
        )
    }

    /// Tells whether the failure may end by itself. An operator has to look at every other one.
    #[must_use]
    pub const fn passes_by_itself(self) -> bool {
        match self {
            Self::Closed
            | Self::Connect
            | Self::Dns
            | Self::Outage
            | Self::RateLimited
            | Self::ServerError
            | Self::Shed
            | Self::Timeout
            | Self::Truncated
            | Self::Unavailable => true,
            Self::AppMismatch
            | Self::CredentialsRefused
            | Self::DoubtfulResponse
            | Self::Forbidden
            | Self::ProxyRefused
            | Self::Redirect
            | Self::Tls
            | Self::TooLarge
            | Self::UnexpectedResponse => false,
        }
    }

    /// Tells whether the issuer cannot have begun to process the check, so that one more attempt
    /// does no harm. A proxy that refuses is not asked twice: a wrong password that is sent again
    /// and again may lock its account.
    #[must_use]
    pub const fn is_unprocessed(self) -> bool {
        matches!(self, Self::Closed | Self::Connect | Self::Dns)
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::AppMismatch => "the reply is about another app or token",
            Self::Closed => "the issuer closed the connection without a reply",
            Self::Connect => "no connection to the issuer",
            Self::CredentialsRefused => "the app's own credentials were refused",
            Self::Dns => "the issuer's name could not be resolved",
            Self::DoubtfulResponse => "the reply is not the issuer's, or cannot be relied on",
            Self::Forbidden => "the issuer forbids checking tokens",
            Self::Outage => "the issuer fails, and is left alone until it is back",
            Self::ProxyRefused => "the proxy refuses to connect to the issuer",
            Self::RateLimited => "the issuer limits the rate of checks",
            Self::Redirect => "the issuer's address redirects elsewhere",
            Self::ServerError => "the issuer failed",
            Self::Shed => "too many checks are under way",
            Self::Timeout => "the check took too long",
            Self::Tls => "no trusted connection to the issuer",
            Self::TooLarge => "the issuer's reply is too long",
            Self::Truncated => "the issuer's reply broke off",
            Self::Unavailable => "the check failed",
            Self::UnexpectedResponse => "the issuer gave a reply that is no answer",
        }
    }
}

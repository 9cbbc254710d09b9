use std::fmt;

use http::Request;
use serde::Serialize;

use crate::assertion::Claims;
use crate::identity::Identity;
use crate::proxy::rules::routes::RouteTrace;
use crate::token::{AccessToken, TokenKind};

/// How the gate decides about one request, step by step.
///
/// It holds the token's hash and never the token, and no query of the request.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// Whether the request passes.
    pub allowed: bool,
    /// The request.
    pub request: RequestTrace,
    /// The token's own properties.
    pub token: TokenTrace,
    /// The route of the request; none if it has none.
    pub route: Option<RouteTrace>,
    /// What was said of the token, in the order in which it was asked. Empty where no app is asked:
    /// there is no route or an anonymous one, or no app can have such a token.
    pub apps: Vec<AppTrace>,
    /// How those of the rules that are about people go together, `any` or `all`; none if there are
    /// fewer than two of them.
    pub people: Option<&'static str>,
    /// Each rule of the route, in the order in which they are decided.
    pub rules: Vec<RuleTrace>,
    /// Where it was asked whether the person belongs there.
    pub memberships: Vec<MembershipTrace>,
    /// What becomes of the request.
    pub decision: Decision,
    /// What would have become of it, had its route not only observed; none if that is the same.
    pub observed: Option<Rejected>,
}

/// A request, without its credential and its query.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RequestTrace {
    /// The method.
    pub method: String,
    /// The host, with its port if there is one.
    pub host: String,
    /// The path as it was written.
    pub path: String,
}

/// A token, without itself.
///
/// `Debug` shows no more of its hash than logs may.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TokenTrace {
    /// What its prefix says, as one word: `oauth_app`, `github_app_user`, `personal_access`,
    /// `refresh`, `installation`, or `unmarked` for what has no prefix, as on older servers.
    pub kind: &'static str,
    /// Whether such a token can be one of an app on behalf of a user. GHES is asked about no other.
    pub may_be_checked: bool,
    /// Its SHA-256 in hexadecimal digits, as `POST /purge` and the REST API take it.
    pub hashed_token: String,
    /// The same in base64, as it stands in the audit log.
    pub hashed_token_base64: String,
}

/// What came of asking GHES about a token, for one app.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AppTrace {
    /// The name of the server.
    pub ghes: String,
    /// The app's client id.
    pub client_id: String,
    /// Whether the token is good.
    pub outcome: AppOutcome,
    /// Why it is not good, or why GHES could not be asked, as one word.
    pub reason: Option<&'static str>,
    /// The same for people, with all causes.
    pub detail: Option<String>,
    /// How long it took, in milliseconds; none for a cached verdict.
    pub took_ms: Option<u64>,
    /// The owner of the token, if it is valid.
    pub identity: Option<Identity>,
}

/// The properties of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AppOutcome {
    /// It is good, and the app's.
    Active,
    /// GHES says that it is not.
    Inactive,
    /// GHES could not be asked.
    Unavailable,
}

/// One rule of the route.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RuleTrace {
    /// The key of the configuration.
    pub rule: &'static str,
    /// What it lets in: all of `scopes`, one of everything else.
    pub wanted: Vec<String>,
    /// Whether a token of a GitHub App passes without.
    pub exempts_github_apps: bool,
    /// What came of it.
    pub outcome: RuleOutcome,
    /// The scopes of which the lack is why it did not pass. To see a membership, one of them is
    /// enough.
    pub missing_scopes: Vec<String>,
    /// Whether the gate evaluated it: not if the decision was made before, or no user was known.
    pub needed: bool,
}

/// What came of a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleOutcome {
    /// It lets the person in.
    Passed,
    /// It does not.
    Failed,
    /// The token may not show what it depends on.
    NotVisible,
    /// A fact that it depends on could not be asked for, or no user is known.
    Unknown,
}

/// What came of asking whether the person belongs to a group.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MembershipTrace {
    /// The organization, or the team as `organization/team`.
    pub group: String,
    /// `member`, `not_member`, `not_visible` or `token_refused`; none if GHES could not be asked.
    pub membership: Option<&'static str>,
    /// The scopes one of which would let the token show it.
    pub accepted_scopes: Vec<String>,
    /// Why GHES could not be asked, as one word.
    pub reason: Option<&'static str>,
    /// The same for people, with all causes.
    pub detail: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the gate asked for it; the rest was asked for the trace alone.
    pub needed: bool,
}

/// What becomes of the request.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// It goes on to the upstream.
    Forwarded(Forwarded),
    /// The gate has an answer of its own, as for its documents.
    Answered {
        /// The status of the answer.
        status: u16,
    },
    /// It is turned away.
    Rejected(Rejected),
}

/// What an upstream sees of the request.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Forwarded {
    /// The path, without what the route cuts off.
    pub path: String,
    /// The headers that the gate sets, by name.
    pub set: Vec<HeaderTrace>,
    /// The headers of the client that the gate removes, of those that the request has.
    pub removed: Vec<String>,
    /// Whether the upstream sees the token.
    pub forwards_token: bool,
    /// The claims signed for the upstream, if any.
    pub assertion: Option<Claims>,
}

/// A header that an upstream sees.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HeaderTrace {
    /// The name, in lower case.
    pub name: String,
    /// The value; none if it is a secret or differs from request to request.
    pub value: Option<String>,
}

/// What a client gets that is turned away.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Rejected {
    /// The status.
    pub status: u16,
    /// The `reason` of the problem details.
    pub reason: &'static str,
    /// What the client is told.
    pub detail: String,
    /// `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// `Allow`: the methods that there are routes for.
    pub allow: Option<String>,
}

impl Trace {
    pub(super) fn new(token: TokenTrace, request: RequestTrace, decision: Decision) -> Self {
        Self {
            allowed: !matches!(decision, Decision::Rejected(_)),
            request,
            token,
            route: None,
            apps: Vec::new(),
            people: None,
            rules: Vec::new(),
            memberships: Vec::new(),
            decision,
            observed: None,
        }
    }
}

impl RequestTrace {
    pub(super) fn of<B>(request: &Request<B>, host: &str) -> Self {
        Self {
            method: request.method().to_string(),
            host: host.to_owned(),
            path: request.uri().path().to_owned(),
        }
    }
}

impl TokenTrace {
    pub(super) fn of(token: &AccessToken) -> Self {
        let (kind, hash) = (token.kind(), token.hash());
        Self {
            kind: match kind {
                TokenKind::OAuth => "oauth_app",
                TokenKind::Other => "unmarked",
                TokenKind::PersonalAccess => "personal_access",
                TokenKind::Refresh => "refresh",
                TokenKind::ServerToServer => "installation",
                TokenKind::UserToServer => "github_app_user",
            },
            may_be_checked: kind.may_be_checked(),
            hashed_token: hash.to_hex(),
            hashed_token_base64: hash.to_base64(),
        }
    }
}

impl fmt::Debug for TokenTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTrace")
            .field("kind", &self.kind)
            .field("hashed_token", &self.hashed_token.get(..12))
            .finish_non_exhaustive()
    }
}

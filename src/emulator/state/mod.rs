//! What an emulated server remembers, in memory: tokens, grants, sign-ins and quotas.
mod ledger;
mod order;
mod quota;
mod sign_in;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::ledger::{Authorization, Grant, PERSONAL};
pub(super) use self::order::{Account, Installation, Order, Refresh};
pub(super) use self::quota::Quota;
pub(super) use self::sign_in::{DEVICE_CODE_LIFE, DeviceRequest, INTERVAL_SECONDS, Poll, SignIn};

use self::ledger::Ledger;
use self::quota::Quotas;
use self::sign_in::SignIns;
use super::clock::Clock;
use super::minter::Minter;
use super::world::{App, AppKind, User};

pub(super) struct State {
    pub(super) ledger: Ledger,
    pub(super) sign_ins: SignIns,
    pub(super) quotas: Quotas,
    bad_logins: Quotas,
    clock: Clock,
    minter: Minter,
}

impl State {
    /// Starts at the true time, with nothing.
    pub(super) fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            sign_ins: SignIns::default(),
            quotas: Quotas::default(),
            bad_logins: Quotas::default(),
            clock: Clock::start(),
            minter: Minter::new(0),
        }
    }

    /// Makes up all later tokens and codes from this seed.
    pub(super) fn seed(&mut self, seed: u64) {
        self.minter = Minter::new(seed);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns what a token stands for, unless it is unknown or expired.
    pub(super) fn authorization(&self, token: &str) -> Option<Arc<Authorization>> {
        self.ledger.by_token(token, self.now()).cloned()
    }

    /// Enters a token that exists already.
    pub(super) fn enter(&mut self, token: String, order: Order) -> Arc<Authorization> {
        let now = self.now();
        self.ledger.insert(token, order, now)
    }

    /// Makes a token, whatever number of others there is.
    pub(super) fn mint(&mut self, order: Order) -> Arc<Authorization> {
        let token = self.minter.token(order.prefix());
        self.enter(token, order)
    }

    /// Makes a token as a sign-in does: of ten that are alike, one gives way.
    pub(super) fn issue(&mut self, order: Order) -> Arc<Authorization> {
        let now = self.now();
        self.ledger.make_room(&order, now);
        self.mint(order)
    }

    /// Makes a token of a flow, which may expire and then comes with a refresh token.
    ///
    /// Without the app's secret it is renewed as it was given: only after a device flow.
    pub(super) fn sign_in(&mut self, order: Order, with_secret: bool) -> Arc<Authorization> {
        let order = self.with_refresh(order, with_secret);
        self.issue(order)
    }

    /// Replaces a token; the authorization stays the same.
    pub(super) fn reset(&mut self, id: u64) -> Option<Arc<Authorization>> {
        let now = self.now();
        let prefix = self.ledger.get(id, now)?.prefix();
        let token = self.minter.token(prefix);
        self.ledger.replace_token(id, token, now)
    }

    /// Trades a refresh token of this app for a new token, and a new refresh token.
    pub(super) fn refresh(&mut self, app: &App, token: &str) -> Option<Arc<Authorization>> {
        let now = self.now();
        let old = self.ledger.by_refresh_token(token, now)?;
        let (id, prefix) = (old.id, old.prefix());
        let needs_secret = old.refresh.as_ref()?.needs_secret;
        if old.client_id() != app.client_id {
            return None;
        }
        let token = self.minter.token(prefix);
        let refresh = self.new_refresh(needs_secret);
        self.ledger.renew(id, refresh);
        self.ledger.replace_token(id, token, now)
    }

    /// Says whether a refresh token needs the app's secret; `None` if there is no such token.
    pub(super) fn needs_secret(&self, token: &str) -> Option<bool> {
        let authorization = self.ledger.by_refresh_token(token, self.now())?;
        Some(authorization.refresh.as_ref()?.needs_secret)
    }

    /// Begins a web flow; the code is good for ten minutes.
    pub(super) fn start_web_flow(&mut self, sign_in: SignIn) -> String {
        let (now, code) = (self.now(), self.minter.code());
        self.sign_ins.approve(code.clone(), sign_in, now);
        code
    }

    /// Signs a browser in; returns what it keeps in a cookie.
    pub(super) fn sign_in_browser(&mut self, user: Arc<User>) -> String {
        let cookie = self.minter.device_code();
        self.sign_ins.remember(cookie.clone(), user);
        cookie
    }

    /// Begins a device flow; the codes are good for fifteen minutes.
    pub(super) fn start_device_flow(&mut self, request: DeviceRequest) -> (String, String) {
        let now = self.now();
        let codes = (self.minter.device_code(), self.minter.user_code());
        self.sign_ins.ask(codes.clone(), request, now);
        codes
    }

    /// Remembers a bad password of this user for an hour.
    pub(super) fn count_bad_login(&mut self, user: &User) {
        let now = self.now();
        self.bad_logins.spend(&user.login, BAD_LOGINS, now);
    }

    /// Says whether even the right password is refused.
    pub(super) fn is_locked_out(&self, user: &User) -> bool {
        let quota = self.bad_logins.quota(&user.login, BAD_LOGINS, self.now());
        quota.remaining() == 0
    }

    /// Returns the time after a duration, if the calendar has it.
    pub(super) fn after(&self, duration: Duration) -> Option<Timestamp> {
        later(self.now(), duration)
    }

    fn with_refresh(&mut self, order: Order, needs_secret: bool) -> Order {
        if !order
            .app
            .as_ref()
            .is_some_and(|app| app.expires_user_tokens())
        {
            return order;
        }
        Order {
            expires_at: self.after(TOKEN_LIFE),
            refresh: Some(self.new_refresh(needs_secret)),
            ..order
        }
    }

    fn new_refresh(&mut self, needs_secret: bool) -> Refresh {
        Refresh {
            token: self.minter.refresh_token(),
            expires_at: self.after(REFRESH_TOKEN_LIFE),
            access_expires_at: self.after(TOKEN_LIFE),
            needs_secret,
        }
    }
}

/// Returns the prefix of the tokens of an app's kind.
const fn prefix(kind: AppKind) -> &'static str {
    match kind {
        AppKind::GitHubApp => "ghu_",
        AppKind::OAuthApp => "gho_",
    }
}

fn later(time: Timestamp, duration: Duration) -> Option<Timestamp> {
    let duration = SignedDuration::try_from(duration).ok()?;
    time.checked_add(duration).ok()
}

fn is_past(deadline: Option<Timestamp>, now: Timestamp) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

/// Says whether two users or apps of one directory are the same.
fn same_user(one: &User, other: &User) -> bool {
    one.id == other.id
}

/// How long a token that expires lives, as GitHub's documents say: eight hours.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(8 * 3600);
/// How long a refresh token lives, as GitHub's documents say: six months, of 184 days.
pub(super) const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(184 * 86_400);

/// After how many bad passwords the right one is refused too. GitHub's documents say "several", and
/// "temporarily".
const BAD_LOGINS: u64 = 10;

/// The error of a token that cannot be minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// No app of the world has the client id.
    NoSuchApp,
    /// No user of the world has the login.
    NoSuchUser,
    /// The token would expire after the year 9999.
    ExpiryOutOfRange,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchApp => "client_id: no app has this client id",
            Self::NoSuchUser => "user: no user has this login",
            Self::ExpiryOutOfRange => "expires_in: lies beyond the year 9999",
        })
    }
}

impl std::error::Error for MintError {}

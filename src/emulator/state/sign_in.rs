//! The web flow and the device flow between their steps.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{is_past, later};
use crate::emulator::world::{App, User};

/// Codes that wait to be redeemed, and devices that wait for a user.
#[derive(Default)]
pub(in crate::emulator) struct SignIns {
    /// By code.
    codes: HashMap<String, Approved>,
    /// By device code.
    devices: HashMap<String, Device>,
    /// Device codes by user code.
    device_codes: HashMap<String, String>,
    /// Who is signed in, by what their browser has in its cookie.
    browsers: HashMap<String, Arc<User>>,
}

/// That a user lets an app act.
#[derive(Clone)]
pub(in crate::emulator) struct SignIn {
    pub(in crate::emulator) user: Arc<User>,
    pub(in crate::emulator) app: Arc<App>,
    pub(in crate::emulator) scopes: Vec<String>,
    /// Where the web flow led back to.
    pub(in crate::emulator) redirect_uri: Option<String>,
}

/// What a device asks for.
#[derive(Clone)]
pub(in crate::emulator) struct DeviceRequest {
    pub(in crate::emulator) app: Arc<App>,
    pub(in crate::emulator) scopes: Vec<String>,
}

/// What a device learns when it asks.
pub(in crate::emulator) enum Poll {
    Pending,
    /// It asked too soon, and must wait this many seconds from now on.
    SlowDown(u64),
    Expired,
    Unknown,
    Denied,
    Approved(SignIn),
}

struct Approved {
    sign_in: SignIn,
    expires_at: Option<Timestamp>,
}

struct Device {
    request: DeviceRequest,
    user_code: String,
    expires_at: Option<Timestamp>,
    interval_seconds: u64,
    polled_at: Option<Timestamp>,
    /// Absent until the user decides; then the user who allowed it, if it was allowed.
    decision: Option<Option<Arc<User>>>,
}

impl SignIns {
    pub(super) fn approve(&mut self, code: String, sign_in: SignIn, now: Timestamp) {
        self.codes
            .retain(|_, approved| !is_past(approved.expires_at, now));
        let expires_at = later(now, CODE_LIFE);
        let approved = Approved {
            sign_in,
            expires_at,
        };
        self.codes.insert(code, approved);
    }

    /// Takes the sign-in of a code of this app; a code works once, whether or not the redeemer is
    /// right.
    pub(in crate::emulator) fn redeem(
        &mut self,
        app: &App,
        code: &str,
        now: Timestamp,
    ) -> Option<SignIn> {
        let approved = self.codes.remove(code)?;
        let good =
            !is_past(approved.expires_at, now) && approved.sign_in.app.client_id == app.client_id;
        good.then_some(approved.sign_in)
    }

    pub(super) fn remember(&mut self, cookie: String, user: Arc<User>) {
        self.browsers.insert(cookie, user);
    }

    /// Returns the user that a browser is signed in as.
    pub(in crate::emulator) fn signed_in(&self, cookie: &str) -> Option<&Arc<User>> {
        self.browsers.get(cookie)
    }

    pub(super) fn ask(&mut self, codes: (String, String), request: DeviceRequest, now: Timestamp) {
        let (device_code, user_code) = codes;
        self.device_codes
            .insert(user_code.clone(), device_code.clone());
        let device = Device {
            request,
            user_code,
            expires_at: later(now, DEVICE_CODE_LIFE),
            interval_seconds: INTERVAL_SECONDS,
            polled_at: None,
            decision: None,
        };
        self.devices.insert(device_code, device);
    }

    /// Returns what waits for a user code.
    pub(in crate::emulator) fn pending(
        &self,
        user_code: &str,
        now: Timestamp,
    ) -> Option<&DeviceRequest> {
        let device = self.devices.get(self.device_codes.get(user_code)?)?;
        let waits = device.decision.is_none() && !is_past(device.expires_at, now);
        waits.then_some(&device.request)
    }

    /// Lets the device of a user code in as this user, or not at all.
    pub(in crate::emulator) fn decide(&mut self, user_code: &str, user: Option<Arc<User>>) {
        let device_code = self.device_codes.remove(user_code);
        let device = device_code.and_then(|device_code| self.devices.get_mut(&device_code));
        if let Some(device) = device {
            device.decision = Some(user);
        }
    }

    /// Answers a device of this app; one that is allowed in is forgotten.
    pub(in crate::emulator) fn poll(
        &mut self,
        app: &App,
        device_code: &str,
        now: Timestamp,
    ) -> Poll {
        let Some(device) = self
            .devices
            .get_mut(device_code)
            .filter(|device| device.request.app.client_id == app.client_id)
        else {
            return Poll::Unknown;
        };
        if is_past(device.expires_at, now) {
            self.device_codes.remove(&device.user_code);
            return Poll::Expired;
        }
        let answer = device.answer(now);
        if matches!(answer, Poll::Approved(_)) {
            self.devices.remove(device_code);
        }
        answer
    }
}

impl Device {
    fn answer(&mut self, now: Timestamp) -> Poll {
        let wait = Duration::from_secs(self.interval_seconds);
        let too_soon = self
            .polled_at
            .is_some_and(|polled_at| !is_past(later(polled_at, wait), now));
        self.polled_at = Some(now);
        match &self.decision {
            _ if too_soon => {
                self.interval_seconds += SLOWER_BY_SECONDS;
                Poll::SlowDown(self.interval_seconds)
            }
            None => Poll::Pending,
            Some(None) => Poll::Denied,
            Some(Some(user)) => Poll::Approved(SignIn {
                user: Arc::clone(user),
                app: Arc::clone(&self.request.app),
                scopes: self.request.scopes.clone(),
                redirect_uri: None,
            }),
        }
    }
}

/// How long a code of the web flow is good, from GitHub's documents.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// How long the codes of the device flow are good, from GitHub's documents.
pub(in crate::emulator) const DEVICE_CODE_LIFE: Duration = Duration::from_secs(900);
/// How long a device waits between two questions, from GitHub's documents.
pub(in crate::emulator) const INTERVAL_SECONDS: u64 = 5;
/// How much longer it must wait for having asked too soon.
const SLOWER_BY_SECONDS: u64 = 5;

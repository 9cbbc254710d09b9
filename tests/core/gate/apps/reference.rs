//! What becomes of a token at several apps, written down plainly.

use ghes_gatekeeper::check::{CheckErrorKind, InactiveReason, Verdict};

use super::scripted::Said;

/// What an app remembers about the token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Remembered {
    Nothing,
    Good,
    GoodPastAge,
    Refused(InactiveReason),
    RefusedPastAge,
}

/// One app: what it remembers, and what it is told if it asks.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) remembered: Remembered,
    pub(super) said: Said,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Good { place: usize, is_stale: bool },
    Refused(InactiveReason),
    Failed(CheckErrorKind),
}

/// Decides, counts who asks, and leaves the apps with what they remember then.
pub(super) fn decide(apps: &mut [Place], has_grace: bool) -> (Outcome, Vec<u64>) {
    let mut calls = vec![0; apps.len()];
    let good = |app: &Place| app.remembered == Remembered::Good;
    if let Some(place) = apps.iter().position(good) {
        let is_stale = false;
        return (Outcome::Good { place, is_stale }, calls);
    }
    let mut failure = None;
    for place in order(apps) {
        if matches!(apps[place].remembered, Remembered::Refused(_)) {
            continue;
        }
        calls[place] += 1;
        match ask(&mut apps[place], has_grace) {
            Asked::Good { is_stale } => return (Outcome::Good { place, is_stale }, calls),
            Asked::Refused => {}
            Asked::FailedForOneApp(kind) => failure = failure.or(Some(kind)),
            Asked::FailedForAll(kind) => return (Outcome::Failed(kind), calls),
        }
    }
    let outcome = failure.map_or_else(|| Outcome::Refused(reason(apps)), Outcome::Failed);
    (outcome, calls)
}

/// Who was sure of the token goes first.
fn order(apps: &[Place]) -> Vec<usize> {
    let known = |app: &Place| app.remembered == Remembered::GoodPastAge;
    let first = apps.iter().position(known);
    let others = (0..apps.len()).filter(|place| Some(*place) != first);
    first.into_iter().chain(others).collect()
}

enum Asked {
    Good { is_stale: bool },
    Refused,
    FailedForOneApp(CheckErrorKind),
    FailedForAll(CheckErrorKind),
}

fn ask(app: &mut Place, has_grace: bool) -> Asked {
    use CheckErrorKind::{AppMismatch, CredentialsRefused, Forbidden};
    match &app.said {
        Ok(Verdict::Active(_)) => {
            app.remembered = Remembered::Good;
            Asked::Good { is_stale: false }
        }
        Ok(Verdict::Inactive(reason)) => {
            app.remembered = Remembered::Refused(*reason);
            Asked::Refused
        }
        Err(AppMismatch) => {
            app.remembered = Remembered::Nothing;
            Asked::FailedForOneApp(AppMismatch)
        }
        Err(kind @ (CredentialsRefused | Forbidden)) => Asked::FailedForOneApp(*kind),
        Err(kind) => {
            let is_bridged = app.remembered == Remembered::GoodPastAge && kind.is_outage();
            match has_grace && is_bridged {
                true => Asked::Good { is_stale: true },
                false => Asked::FailedForAll(*kind),
            }
        }
    }
}

/// Of apps that all refuse.
fn reason(apps: &[Place]) -> InactiveReason {
    let reasons = apps.iter().filter_map(|app| match app.remembered {
        Remembered::Refused(reason) => Some(reason),
        _ => None,
    });
    let mut telling = reasons.filter(|reason| *reason != InactiveReason::Unknown);
    telling.next().unwrap_or(InactiveReason::Unknown)
}

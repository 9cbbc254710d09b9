//! From what was noted to what a trace says of it.

use std::time::Duration;

use super::trace::{AppOutcome, AppTrace, MembershipTrace};
use crate::causes::Causes;
use crate::check::{CheckError, Verdict};
use crate::identity::Identity;
use crate::membership::{Group, Membership};
use crate::proxy::IssuerApp;
use crate::validator::{Entry, Said};

/// What was said, sorted.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) apps: Vec<AppTrace>,
    /// The last answer about the token, if it is good: the place of the app that says
    /// so, and whose the token is.
    pub(super) known_by: Option<(usize, Identity)>,
    /// An app was asked about the token. Remembered answers do not count then.
    is_asked: bool,
    pub(super) memberships: Vec<MembershipTrace>,
    /// What is known of memberships, the last answer about each.
    pub(super) known: Vec<(Group, Membership)>,
    /// The groups that were asked about, whatever came.
    pub(super) asked: Vec<Group>,
}

impl Noted {
    /// Adds what was recorded about some `apps`. `needed` tells whether it was the gate that asked.
    pub(super) fn add(&mut self, entries: Vec<Entry>, apps: &[IssuerApp], needed: bool) {
        for Entry { place, said, took } in entries {
            match said {
                Said::OfToken(outcome) => self.add_verdict(place, apps, outcome, took),
                Said::OfMembership(group, outcome) => {
                    self.memberships
                        .push(membership(&group, &outcome, took, needed));
                    self.add_membership(group, outcome.ok());
                }
            }
        }
    }

    /// Adds what an app remembers, unless it has just been asked.
    pub(super) fn recall(&mut self, place: usize, app: &IssuerApp, verdict: Verdict) {
        let mut asked = self.apps.iter();
        if asked.any(|asked| asked.ghes == app.ghes() && asked.client_id == app.client_id()) {
            return;
        }
        let outcome = Ok(verdict);
        self.apps.push(AppTrace::new(app, &outcome, None));
        match outcome {
            Ok(Verdict::Active(identity)) if !self.is_asked => {
                self.known_by.get_or_insert((place, identity));
            }
            _ => {}
        }
    }

    /// Brings what came at the same time into the order of the route.
    pub(super) fn put_in_order(&mut self, groups: &[&Group]) {
        let place = |trace: &MembershipTrace| {
            let place = groups
                .iter()
                .position(|group| group.as_str() == trace.group);
            (!trace.needed, place)
        };
        self.memberships.sort_by_key(place);
    }

    fn add_verdict(
        &mut self,
        place: usize,
        apps: &[IssuerApp],
        outcome: Result<Verdict, CheckError>,
        took: Duration,
    ) {
        self.is_asked = true;
        if let Some(app) = apps.get(place) {
            let took = Some(milliseconds(took));
            self.apps.push(AppTrace::new(app, &outcome, took));
        }
        self.known_by = match outcome {
            Ok(Verdict::Active(identity)) => Some((place, identity)),
            Ok(Verdict::Inactive(_)) | Err(_) => None,
        };
    }

    fn add_membership(&mut self, group: Group, membership: Option<Membership>) {
        self.known.retain(|(known, _)| *known != group);
        if let Some(membership) = membership {
            self.known.push((group.clone(), membership));
        }
        self.asked.push(group);
    }
}

impl AppTrace {
    pub(super) fn new(
        app: &IssuerApp,
        outcome: &Result<Verdict, CheckError>,
        took_ms: Option<u64>,
    ) -> Self {
        let trace = Self {
            ghes: app.ghes().to_owned(),
            client_id: app.client_id().to_owned(),
            outcome: AppOutcome::Active,
            reason: None,
            detail: None,
            took_ms,
            identity: None,
        };
        match outcome {
            Ok(Verdict::Active(identity)) => Self {
                identity: Some(identity.clone()),
                ..trace
            },
            Ok(Verdict::Inactive(reason)) => Self {
                outcome: AppOutcome::Inactive,
                reason: Some(reason.as_str()),
                ..trace
            },
            Err(error) => Self {
                outcome: AppOutcome::Unavailable,
                reason: Some(error.kind().as_str()),
                detail: Some(detail(error)),
                ..trace
            },
        }
    }
}

fn membership(
    group: &Group,
    outcome: &Result<Membership, CheckError>,
    took: Duration,
    needed: bool,
) -> MembershipTrace {
    let accepted = match outcome {
        Ok(Membership::NotVisible(accepted)) => accepted.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let error = outcome.as_ref().err();
    MembershipTrace {
        group: group.to_string(),
        membership: outcome.as_ref().ok().map(Membership::as_str),
        accepted_scopes: accepted,
        reason: error.map(|error| error.kind().as_str()),
        detail: error.map(detail),
        took_ms: milliseconds(took),
        needed,
    }
}

/// The whole chain, as the log has it.
fn detail(error: &CheckError) -> String {
    match Causes(error).to_string() {
        causes if causes.is_empty() => error.to_string(),
        causes => format!("{error}: {causes}"),
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

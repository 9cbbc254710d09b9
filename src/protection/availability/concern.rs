use std::sync::Arc;
use std::time::Duration;

use super::breaker::{Change, Evidence};
use crate::check::{CheckError, CheckErrorKind};
use crate::membership::Group;

/// The calls that a breaker counts.
///
/// Several apps may share an issuer. That it refuses one of them must not keep out the users of
/// the others, so each has a breaker of its own for that, outside of the one that they share.
#[derive(Clone)]
pub(in crate::protection) enum Concern {
    /// The issuer's: it does not answer, or not as itself.
    Issuer,
    /// Those of an app, by its client id if that is known: the issuer answers, and refuses it.
    App(Option<Arc<str>>),
}

impl Concern {
    /// Tells what the end of a check says. Only those failures count from which nothing is known of
    /// the issuer, or of the app.
    pub(in crate::protection) fn evidence<A>(&self, outcome: &Result<A, CheckError>) -> Evidence {
        match (self, outcome) {
            (_, Ok(_)) => Evidence::Answered,
            (Self::Issuer, Err(error)) => of_issuer(error),
            (Self::App(_), Err(error)) => of_app(error),
        }
    }

    /// A deadline further out ends a check by dropping it, and that must count as the timeout that
    /// it is. A client that leaves at once says nothing about the issuer.
    pub(super) fn given_up_after(&self, elapsed: Duration) -> Evidence {
        match self {
            Self::Issuer if elapsed >= PATIENCE => Evidence::Failed(None),
            Self::Issuer | Self::App(_) => Evidence::Nothing,
        }
    }

    /// Logs what a call's end has changed around one group.
    pub(super) fn tell_of_group(change: Change, group: &Group) {
        match change {
            Change::Opened { open_for, .. } => {
                let seconds = open_for.as_secs_f32();
                tracing::warn!(
                    %group,
                    "the issuer fails for all who ask about the group; \
                     they are held back for {seconds:.1} s at most"
                );
            }
            Change::Closed => tracing::info!(%group, "the issuer answers about the group again"),
        }
    }

    /// Logs what a call's end has changed.
    pub(super) fn tell(&self, change: Change) {
        let seconds = match change {
            Change::Opened { open_for, .. } => Some(open_for.as_secs_f32()),
            Change::Closed => None,
        };
        match (self, seconds) {
            (Self::Issuer, Some(seconds)) => {
                tracing::warn!(
                    "the issuer fails; requests are held back for {seconds:.1} s at most"
                );
            }
            (Self::Issuer, None) => tracing::info!("the issuer is back"),
            (Self::App(client_id), Some(seconds)) => tracing::error!(
                app.client_id = client_id.as_deref(),
                "the issuer refuses to check tokens for the app, which may be suspended; \
                 its checks are held back for {seconds:.1} s at most"
            ),
            (Self::App(client_id), None) => tracing::info!(
                app.client_id = client_id.as_deref(),
                "the issuer checks tokens for the app again"
            ),
        }
    }
}

fn of_issuer(error: &CheckError) -> Evidence {
    match error.kind() {
        CheckErrorKind::Outage | CheckErrorKind::Shed => Evidence::Nothing,
        // It is there, and has something against one app; that is the business of other breakers.
        kind if kind.is_about_app() => Evidence::Answered,
        CheckErrorKind::Connect
        | CheckErrorKind::Dns
        | CheckErrorKind::ProxyRefused
        | CheckErrorKind::Tls => Evidence::Unreachable,
        CheckErrorKind::RateLimited => Evidence::Limited(error.retry_after().unwrap_or_default()),
        _ => Evidence::Failed(error.retry_after()),
    }
}

/// Credentials have a breaker of their own. What the layers inside refuse is never about the app.
fn of_app(error: &CheckError) -> Evidence {
    match error.kind() {
        CheckErrorKind::AppMismatch | CheckErrorKind::Forbidden => {
            Evidence::Failed(error.retry_after())
        }
        _ => Evidence::Nothing,
    }
}

/// Calls take a fraction of this if all is well.
const PATIENCE: Duration = Duration::from_secs(1);

//! What clients are told, as problem details (RFC 9457).
//!
//! There are as many problems as kinds and details. Each is written once: floods of bad tokens are
//! answered with them.

use std::sync::LazyLock;

use bytes::Bytes;
use serde::Serialize;

use super::{Rejection, RejectionDetail, RejectionKind};

/// Returns the problem of a rejection, whose detail settles its kind.
pub(super) fn of(rejection: &Rejection) -> Bytes {
    static KINDS: LazyLock<[Vec<u8>; RejectionKind::ALL.len()]> =
        LazyLock::new(|| RejectionKind::ALL.map(|kind| written(&kind.into())));
    static DETAILS: LazyLock<[Vec<u8>; RejectionDetail::ALL.len()]> =
        LazyLock::new(|| RejectionDetail::ALL.map(|detail| written(&detail.into())));
    // Both lists are in the order of their enum.
    let (kinds, details) = (&*KINDS, &*DETAILS);
    Bytes::from_static(match rejection.detail {
        Some(detail) => &details[detail as usize],
        None => &kinds[rejection.kind as usize],
    })
}

fn written(rejection: &Rejection) -> Vec<u8> {
    let row = rejection.kind.row();
    let problem = ProblemDetails {
        r#type: format!("urn:ghes-gatekeeper:problem:{}", row.reason),
        title: row.title,
        status: row.status.as_u16(),
        detail: rejection.text(),
        reason: row.reason,
    };
    // Strings and a number always serialise; a body is not worth a panic.
    serde_json::to_vec(&problem).unwrap_or_default()
}

/// RFC 9457 §3, with `reason` as an extension member.
#[derive(Serialize)]
struct ProblemDetails {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'static str,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rejection_has_the_problem_that_was_written_for_it() {
        let kinds = RejectionKind::ALL.map(Rejection::from);
        let details = RejectionDetail::ALL.map(Rejection::from);
        for rejection in kinds.iter().chain(&details) {
            assert_eq!(of(rejection), written(rejection), "{rejection:?}");
        }
    }
}

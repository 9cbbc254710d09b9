use std::fmt;

use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::endpoint::json;

/// The conditions for sending requests to the proxy.
#[derive(Default)]
pub(in crate::proxy) struct Readiness(Vec<Condition>);

/// The word is the reason that is reported while the condition does not hold.
struct Condition {
    otherwise: &'static str,
    holds: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Readiness {
    /// Adds a condition, and the word for its absence. It is evaluated at each probe and must not
    /// block.
    pub(in crate::proxy) fn with(
        mut self,
        otherwise: &'static str,
        holds: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let holds = Box::new(holds);
        self.0.push(Condition { otherwise, holds });
        self
    }

    pub(super) fn holds(&self) -> bool {
        self.0.iter().all(|condition| (condition.holds)())
    }

    pub(super) fn to_response(&self) -> Response<Full<bytes::Bytes>> {
        let missing = self.0.iter().filter(|condition| !(condition.holds)());
        let report = Report::new(missing.map(|condition| condition.otherwise).collect());
        let status = if report.ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        json(status, &report)
    }
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    reasons: Vec<&'static str>,
}

impl Report {
    fn new(reasons: Vec<&'static str>) -> Self {
        Self {
            ready: reasons.is_empty(),
            reasons,
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.iter().map(|condition| condition.otherwise);
        f.debug_list().entries(words).finish()
    }
}

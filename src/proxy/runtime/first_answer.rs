//! Whether GHES has answered since the start, so that the gate can serve clients.
//!
//! A gate that was started with a wrong CA file would answer 503 to every client. While it reports
//! that it is not ready, the previous instances keep serving.

use crate::check::CheckErrorKind;

/// The progress of one server, by the results of its calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proxy) enum FirstAnswer {
    Given,
    /// All calls have failed in a way that passes by itself.
    Delayed,
    /// No call has ended yet, or one has failed in a way that an operator has to fix: a
    /// certificate, or an address that is not GHES's.
    Missing,
}

impl FirstAnswer {
    /// Reads it from the number of calls per result.
    pub(in crate::proxy) fn among(results: impl Iterator<Item = (&'static str, u64)>) -> Self {
        let mut found = Self::Missing;
        let mut is_in_doubt = false;
        for (label, _) in results.filter(|(_, count)| *count > 0) {
            match Meaning::of(label) {
                Meaning::Answer => return Self::Given,
                Meaning::Outage => found = Self::Delayed,
                Meaning::Doubt => is_in_doubt = true,
                Meaning::NoCall => {}
            }
        }
        match is_in_doubt {
            true => Self::Missing,
            false => found,
        }
    }

    /// Returns whether a gate before these servers can be used.
    ///
    /// A server that is merely down shows nothing about the configuration, and must not keep out
    /// the users of the others. If it is the only one, the gate can admit no user.
    pub(in crate::proxy) fn suffice(servers: impl Iterator<Item = Self>) -> bool {
        let (mut given, mut delayed) = (0, 0);
        for server in servers {
            match server {
                Self::Given => given += 1,
                Self::Delayed => delayed += 1,
                Self::Missing => return false,
            }
        }
        given > 0 || delayed == 0
    }
}

enum Meaning {
    Answer,
    Outage,
    Doubt,
    /// No call was made, or the caller did not wait for its result.
    NoCall,
}

impl Meaning {
    fn of(label: &str) -> Self {
        let of_label = |kind: &CheckErrorKind| kind.as_str() == label;
        let Some(kind) = CheckErrorKind::ALL.into_iter().find(of_label) else {
            return match label {
                "client_gone" => Self::NoCall,
                _ => Self::Answer,
            };
        };
        match kind {
            CheckErrorKind::Shed | CheckErrorKind::Unavailable => Self::NoCall,
            // GHES has answered; the readiness check reports refused credentials on its own.
            CheckErrorKind::CredentialsRefused => Self::Answer,
            kind if kind.passes_by_itself() => Self::Outage,
            _ => Self::Doubt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FirstAnswer::{Delayed, Given, Missing};
    use super::*;

    #[test]
    fn only_an_answer_is_one() {
        for (labels, expected) in [
            (&[][..], Missing),
            (&["invalid"], Given),
            (&["client_auth_failed"], Given),
            (&["member"], Given),
            (&["tls", "invalid"], Given),
            (&["tls"], Missing),
            (&["connect"], Delayed),
            (&["timeout", "ghes_5xx"], Delayed),
            (&["connect", "tls"], Missing),
            (&["tls", "connect"], Missing),
            (&["redirect"], Missing),
            (&["bad_response"], Missing),
            (&["ghes_forbidden"], Missing),
            (&["unavailable"], Missing),
            (&["shed"], Missing),
            (&["client_gone"], Missing),
        ] {
            let results = labels.iter().map(|label| (*label, 1));
            let none = [("valid", 0), ("tls", 0)].into_iter();
            let found = FirstAnswer::among(none.chain(results));
            assert_eq!(found, expected, "{labels:?}");
        }
    }

    #[test]
    fn one_that_is_down_keeps_nobody_else_out() {
        for (servers, expected) in [
            (&[][..], true),
            (&[Given], true),
            (&[Delayed], false),
            (&[Missing], false),
            (&[Given, Given], true),
            (&[Given, Delayed], true),
            (&[Delayed, Given], true),
            (&[Delayed, Delayed], false),
            (&[Given, Missing], false),
            (&[Missing, Given], false),
        ] {
            let suffice = FirstAnswer::suffice(servers.iter().copied());
            assert_eq!(suffice, expected, "{servers:?}");
        }
    }
}

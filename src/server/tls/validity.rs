//! The validity of a certificate, and whether it ends soon.
//!
//! rustls serves a certificate whatever its dates are; only clients refuse it.

use std::fmt;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_cert::certificate::{Certificate, Version};
use x509_cert::der::Decode;
use x509_cert::time::Time;

/// The dates of a certificate and of its chain, in the order of the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Validity(Vec<Option<Dates>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Dates {
    not_before: Time,
    not_after: Time,
}

/// The fault that clients find in a chain, now or soon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Trouble {
    /// Which certificate of the file, from 0.
    at: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Expired(Time),
    NotYetValid(Time),
    EndsSoon(Time),
}

impl Validity {
    /// Reads the dates. A date that cannot be read is ignored here: clients parse it their own way.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Self {
        Self(chain.iter().map(dates).collect())
    }

    /// Returns when the first of them ends, in seconds since 1970.
    pub(super) fn end(&self) -> Option<u64> {
        let ends = self.0.iter().flatten();
        ends.map(|dates| dates.not_after.to_unix_duration().as_secs())
            .min()
    }

    /// Returns the worst fault that clients find at a time.
    pub(super) fn trouble(&self, now: SystemTime) -> Option<Trouble> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let troubles = self.0.iter().enumerate().filter_map(|(at, dates)| {
            let kind = (*dates)?.trouble(now)?;
            Some(Trouble { at, kind })
        });
        troubles.min_by_key(|trouble| matches!(trouble.kind, Kind::EndsSoon(_)))
    }
}

impl Dates {
    fn trouble(self, now: Duration) -> Option<Kind> {
        let (begin, end) = (self.not_before, self.not_after);
        // The second that it names is the last valid one (RFC 5280 §4.1.2.5).
        if end.to_unix_duration().as_secs() < now.as_secs() {
            Some(Kind::Expired(end))
        } else if begin.to_unix_duration() > now {
            Some(Kind::NotYetValid(begin))
        } else if end.to_unix_duration() < now + SOON {
            Some(Kind::EndsSoon(end))
        } else {
            None
        }
    }
}

/// Returns whether a certificate is older than version 3, the only one with host names.
pub(super) fn is_outdated(certificate: &CertificateDer<'_>) -> bool {
    let parsed = Certificate::from_der(certificate);
    parsed.is_ok_and(|parsed| parsed.tbs_certificate().version() != Version::V3)
}

fn dates(certificate: &CertificateDer<'_>) -> Option<Dates> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let validity = parsed.tbs_certificate().validity();
    Some(Dates {
        not_before: validity.not_before,
        not_after: validity.not_after,
    })
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            0 => f.write_str("the certificate ")?,
            // Counted from 1, for people.
            at => write!(f, "certificate {} of the file ", at + 1)?,
        }
        match self.kind {
            Kind::Expired(end) => {
                let end = end.to_date_time();
                write!(f, "expired at {end}, and clients refuse it; renew it")
            }
            Kind::NotYetValid(begin) => {
                let begin = begin.to_date_time();
                write!(
                    f,
                    "is not valid before {begin}, and clients refuse it until then; \
                     wait, or check this machine's clock"
                )
            }
            Kind::EndsSoon(end) => {
                let end = end.to_date_time();
                write!(
                    f,
                    "expires at {end}, in less than {SOON_DAYS} days; renew it"
                )
            }
        }
    }
}

/// Certificates that live for 90 days are renewed 30 days before, so a renewal has failed by then.
const SOON_DAYS: u64 = 14;
const SOON: Duration = Duration::from_secs(SOON_DAYS * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn chain(dates: &[(i32, i32)]) -> Validity {
        let certificate = |&(begin, end): &(i32, i32)| {
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_before = date_time_ymd(begin, 1, 1);
            params.not_after = date_time_ymd(end, 1, 1);
            let signed = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            signed.der().clone()
        };
        Validity::of(&dates.iter().map(certificate).collect::<Vec<_>>())
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn told(validity: &Validity, seconds: u64) -> String {
        let trouble = validity.trouble(at(seconds));
        trouble.map_or_else(String::new, |trouble| trouble.to_string())
    }

    /// 2030-01-01T00:00:00Z and 2060-01-01T00:00:00Z; from 2050 on, dates have another encoding.
    const Y2030: u64 = 1_893_456_000;
    const Y2060: u64 = 2_840_140_800;

    #[test]
    fn the_dates_decide_to_the_second() {
        for (end, end_year) in [(Y2030, 2030), (Y2060, 2060)] {
            let validity = chain(&[(2020, end_year)]);
            let soon = end - SOON.as_secs();
            assert_eq!(told(&validity, soon), "");
            let expected = format!(
                "the certificate expires at {end_year}-01-01T00:00:00Z, in less than 14 days; \
                 renew it"
            );
            assert_eq!(told(&validity, soon + 1), expected);
            assert_eq!(told(&validity, end), expected);
            let expected = format!(
                "the certificate expired at {end_year}-01-01T00:00:00Z, and clients refuse it; \
                 renew it"
            );
            assert_eq!(told(&validity, end + 1), expected);
        }
        let validity = chain(&[(2030, 2060)]);
        assert!(told(&validity, Y2030 - 1).contains("is not valid before 2030-01-01T00:00:00Z"));
        assert_eq!(told(&validity, Y2030), "");
    }

    #[test]
    fn the_worst_of_a_chain_is_told() {
        let soon = Y2030 - 1;
        for (dates, begins) in [
            (&[(2020, 2060), (2020, 2060)][..], ""),
            (
                &[(2020, 2060), (2020, 2025)],
                "certificate 2 of the file expired",
            ),
            (
                &[(2020, 2030), (2020, 2025)],
                "certificate 2 of the file expired",
            ),
            (
                &[(2020, 2030), (2040, 2060)],
                "certificate 2 of the file is not",
            ),
            (&[(2020, 2030), (2020, 2030)], "the certificate expires"),
        ] {
            let said = told(&chain(dates), soon);
            assert!(
                said.starts_with(begins) && said.is_empty() == begins.is_empty(),
                "{said}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_has_no_dates() {
        for bytes in [&b""[..], b"?", &[0x30, 0x80]] {
            let certificate = CertificateDer::from_slice(bytes);
            assert!(!is_outdated(&certificate));
            assert_eq!(Validity::of(&[certificate]).trouble(at(Y2030)), None);
        }
    }
}

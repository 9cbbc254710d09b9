//! Refuses requests to a loopback listener under another host's name.
//!
//! With DNS rebinding, a page under a name that points at 127.0.0.1 reads the listener as its own
//! origin. A browser sends that name in `Host`, and sends no `Origin` when it only reads.

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, StatusCode};

use crate::endpoint::Problem;

/// Refuses every name but those of this machine. An address cannot be rebound, and a request
/// without `Host` is not from a browser.
pub(super) fn refuse_other_names(headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let is_local = |host| {
        let authority = Authority::try_from(host);
        authority.is_ok_and(|authority| is_local_name(authority.host()))
    };
    if hosts.all(|host| is_local(host.as_bytes())) {
        Ok(())
    } else {
        Err(OTHER_NAME)
    }
}

/// RFC 6761 §6.3: `localhost` and all names below it are this machine.
fn is_local_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

const OTHER_NAME: Problem = Problem::new(
    StatusCode::MISDIRECTED_REQUEST,
    "on loopback, ask for localhost or for the address",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_this_machine_everywhere_is_local() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "gate.localhost",
            "127.0.0.1",
            "192.0.2.1",
            "[::1]",
        ] {
            assert!(is_local_name(host), "{host}");
        }
        for host in [
            "evil",
            "localhost.evil",
            "notlocalhost",
            "127.0.0.1.evil",
            "127.0.0.1.nip.io",
            "",
            ".",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }
}

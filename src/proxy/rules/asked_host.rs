//! The host that routes are found by.

use http::header::HeaderValue;

use super::RuleSet;
use crate::authority::bare_host;
use crate::hygiene::provenance::Provenance;
use crate::hygiene::request::Forwardable;
use crate::rejection::{Rejection, RejectionDetail};

impl RuleSet {
    /// Returns the host that a client asked for: a trusted proxy's word before the request's own.
    ///
    /// Where no route depends on it, there may be none. Where one does, a proxy that sets `Host`
    /// and passes on a client's `X-Forwarded-Host` would let the client choose its route. So the
    /// two have to be equal, unless the proxy is known to write the latter itself.
    pub(in crate::proxy) fn asked_host<'r>(
        &self,
        provenance: &'r Provenance,
        forwardable: &'r Forwardable,
    ) -> Result<Option<&'r HeaderValue>, Rejection> {
        let (told, own) = (provenance.host(), forwardable.host.as_ref());
        if self.reads_hosts {
            match (told, own) {
                (None, None) => return Err(RejectionDetail::NoHost.into()),
                (Some(told), own) if !provenance.writes_host() && !is_same(told, own) => {
                    self.warn_of_forwarded_host(provenance);
                    return Err(RejectionDetail::OtherForwardedHost.into());
                }
                _ => {}
            }
        }
        Ok(told.or(own))
    }

    /// Once, because it is a matter of configuration, and each request has its own log line.
    fn warn_of_forwarded_host(&self, provenance: &Provenance) {
        self.forwarded_host_warning.call_once(|| {
            let peer = provenance.peer();
            tracing::warn!(
                "server.trusted_proxies: {peer} sent an X-Forwarded-Host that is not the Host of \
                 its request, and routes depend on the host; name it in server.forwarded_host_from \
                 if it writes that header itself, or else have it set or remove what clients send"
            );
        });
    }
}

/// Routes depend on no port, and some proxies report none.
fn is_same(told: &HeaderValue, own: Option<&HeaderValue>) -> bool {
    let bare = |host: &HeaderValue| host.to_str().ok().map(|host| bare_host(host).into_owned());
    own.is_some_and(|own| told == own || bare(told) == bare(own))
}

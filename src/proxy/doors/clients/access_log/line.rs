use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use http::{HeaderValue, StatusCode, Version};

use super::{AccessLog, TARGET};
use crate::gatekeeper::CacheUse;
use crate::hygiene::dotted::Dotted;
use crate::identity::Identity;
use crate::metrics::Outcome;
use crate::proxy::runtime::floods::Floods;
use crate::rejection::{Rejection, RejectionDetail, RejectionKind};
use crate::throttle::Turn;

/// What one line says.
pub(super) struct Line<'l> {
    /// None if it could not be read.
    pub(super) request: Option<&'l AccessLog>,
    pub(super) request_id: &'l HeaderValue,
    pub(super) client: IpAddr,
    pub(super) elapsed: Option<Duration>,
    pub(super) status: Option<StatusCode>,
    /// None if it is not known before the body has ended.
    pub(super) response_bytes: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) rejection: Option<&'l Rejection>,
    /// Why there was no response.
    pub(super) cut_off: Option<&'static str>,
    /// How many lines like it were left out before.
    pub(super) suppressed: Option<NonZeroU64>,
}

/// Writes a line at a level, which tracing has to know when this is compiled. `operations.md` lists
/// the fields.
macro_rules! write_line {
    ($line:expr, $level:ident, $message:literal) => {{
        let line = $line;
        let request = line.request;
        let route = request.and_then(|request| request.route.as_deref());
        let token = request.and_then(|request| request.subject.token.as_ref());
        let user = line.identity().map(|identity| identity.user());
        let mut digits = [0; 12];
        tracing::$level!(
            target: TARGET,
            {
                request.id = line.request_id.to_str().unwrap_or_default(),
                trace.id = request.and_then(|request| request.trace_id.as_ref()?.as_str().into()),
                client.address = %Address(line.client),
                http.method = request.map(|request| tracing::field::display(Bounded(request.method.as_str()))),
                http.host = request.and_then(|request| shown(request.host.as_ref()?, MAX_HOST_BYTES).into()).as_deref(),
                http.path = request.map(|request| &*request.path),
                http.version = request.map(|request| version(request.version)),
                http.status = line.status.map(|status| status.as_u16()),
                http.response_bytes = line.response_bytes,
                user_agent = request.and_then(|request| shown(request.user_agent.as_ref()?, MAX_AGENT_BYTES).into()).as_deref(),
                door = request.and_then(|request| request.door),
                caller = request.and_then(|request| request.caller.as_deref()),
                route = route.map(|route| &*route.route),
                upstream = route.and_then(|route| route.upstream.as_deref()),
                outcome = line.outcome.map(word),
                reason = line.reason(),
                detail = line.rejection.and_then(Rejection::detail).map(RejectionDetail::as_str),
                rule = line.rejection.and_then(|rejection| rejection.denied()?.rule.as_deref()),
                user.login = user.map(|user| user.login()),
                user.id = user.map(|user| user.id()),
                app.client_id = line.identity().map(|identity| identity.client_id()),
                ghes.name = token.and_then(|_| route?.ghes.as_deref()),
                token.kind = token.map(|(kind, _)| kind.as_str()),
                token.hash = token.map(|(_, hash)| &*hash.write_start(&mut digits)),
                cache = request.and_then(|request| request.subject.cache).map(CacheUse::as_str),
                duration_ms = line.elapsed.map(millis),
                gate_ms = line.elapsed.and_then(|elapsed| Some(millis(request?.gate_time(elapsed)))),
                suppressed = line.suppressed,
            },
            $message,
        );
    }};
}

impl<'l> Line<'l> {
    pub(super) fn about(request: &'l AccessLog, client: IpAddr, elapsed: Duration) -> Self {
        Self {
            request: Some(request),
            elapsed: Some(elapsed),
            ..Self::of(&request.request_id, client)
        }
    }

    /// A line about a request that could not be read.
    pub(super) fn of(request_id: &'l HeaderValue, client: IpAddr) -> Self {
        Self {
            request: None,
            request_id,
            client,
            elapsed: None,
            status: None,
            response_bytes: None,
            outcome: None,
            rejection: None,
            cut_off: None,
            suppressed: None,
        }
    }

    pub(super) fn answered(&self) {
        match self.outcome {
            Some(Outcome::Rejected(kind)) if is_degraded(kind) => {
                write_line!(self, warn, "request answered");
            }
            _ => write_line!(self, info, "request answered"),
        }
    }

    pub(super) fn cut_off(&self) {
        write_line!(self, info, "request cut off");
    }

    fn reason(&self) -> Option<&'static str> {
        let of_rejection = || self.rejection.map(|rejection| rejection.kind().as_str());
        self.cut_off.or_else(of_rejection)
    }

    /// The person who was let in, or whom a policy denied.
    fn identity(&self) -> Option<&Identity> {
        let admitted = self
            .request
            .and_then(|request| request.subject.identity.as_ref());
        let denied = || Some(&self.rejection?.denied()?.identity);
        admitted.or_else(denied)
    }
}

/// Whether a response has a line.
pub(super) fn turn(floods: &Floods, client: IpAddr, outcome: Outcome) -> Option<Turn> {
    match outcome {
        Outcome::Rejected(kind) if !is_of_the_upstream(kind) => floods.turn(client, kind),
        _ => Some(Turn::default()),
    }
}

/// The outcome in a word; the reason says more.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "allowed",
        Outcome::Anonymous => "anonymous",
        Outcome::Observed => "observed",
        Outcome::Rejected(kind) if is_of_the_upstream(kind) => "failed",
        Outcome::Rejected(_) => "rejected",
    }
}

fn is_of_the_upstream(kind: RejectionKind) -> bool {
    matches!(
        kind,
        RejectionKind::BadGateway | RejectionKind::GatewayTimeout | RejectionKind::UpstreamBusy
    )
}

/// Whether it is no fault of the client's: an operator has something to mend.
fn is_degraded(kind: RejectionKind) -> bool {
    is_of_the_upstream(kind)
        || matches!(
            kind,
            RejectionKind::LoopDetected | RejectionKind::Unavailable
        )
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        _ => "3",
    }
}

/// Whole microseconds, so that the decimal number has three places at most.
fn millis(elapsed: Duration) -> f64 {
    elapsed.as_micros() as f64 / 1e3
}

/// A client's value, cut at its bound; bytes that are no text are replaced.
fn shown(value: &HeaderValue, most: usize) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) if text.len() <= most => Cow::Borrowed(text),
        _ => Cow::Owned(cut(value.as_bytes(), most)),
    }
}

#[cold]
fn cut(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= most {
        return text.into_owned();
    }
    let mut ends = text.char_indices().map(|(end, _)| end);
    let end = ends.rfind(|end| *end <= most).unwrap_or_default();
    format!("{}…", &text[..end])
}

/// A client's method, which may be as long as its head.
struct Bounded<'m>(&'m str);

impl fmt::Display for Bounded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Methods are ASCII (RFC 9110 §5.6.2).
        match self.0.get(..MAX_METHOD_BYTES) {
            Some(start) if self.0.len() > MAX_METHOD_BYTES => write!(f, "{start}…"),
            _ => f.write_str(self.0),
        }
    }
}

/// The longest registered method (IANA) has 17.
const MAX_METHOD_BYTES: usize = 32;

/// The longest name of the DNS has 253, and the longest port five behind a colon.
const MAX_HOST_BYTES: usize = 259;

/// Browsers have half of it.
const MAX_AGENT_BYTES: usize = 256;

struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => f.write_str(Dotted::from(address).as_str()),
            IpAddr::V6(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata};

    use super::*;

    #[test]
    fn no_method_is_logged_beyond_its_bound() {
        for (method, logged) in [
            ("GET".to_owned(), "GET".to_owned()),
            ("A".repeat(32), "A".repeat(32)),
            ("A".repeat(33), "A".repeat(32) + "…"),
            ("!".repeat(30_000), "!".repeat(32) + "…"),
        ] {
            assert_eq!(Bounded(&method).to_string(), logged);
        }
    }

    #[test]
    fn no_value_is_logged_beyond_its_bound() {
        let replaced = "\u{fffd}".repeat(3);
        for (value, logged) in [
            (&b"curl/8"[..], "curl/8".to_owned()),
            (b"a\tb", "a\tb".to_owned()),
            (b"\xff\xfe\x80", replaced),
            ("é".as_bytes(), "é".to_owned()),
            (&[b'a'; 16], "a".repeat(16)),
            (&[b'a'; 17], "a".repeat(16) + "…"),
            (&[b'a'; 8192], "a".repeat(16) + "…"),
            (&"aé".repeat(100).into_bytes(), "aé".repeat(5) + "a…"),
        ] {
            let value = HeaderValue::from_bytes(value).unwrap();
            assert_eq!(shown(&value, 16), logged);
        }
    }

    /// Keeps the names of the fields of each event.
    struct Names(Arc<Mutex<Vec<&'static str>>>);

    impl tracing::Subscriber for Names {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let fields = event.metadata().fields();
            let names = fields.iter().map(|field| field.name());
            self.0.lock().extend(names);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn the_manual_has_each_field_and_no_other() {
        let names = Arc::default();
        let id = HeaderValue::from_static("1");
        let line = Line::of(&id, IpAddr::from([127, 0, 0, 1]));
        tracing::subscriber::with_default(Names(Arc::clone(&names)), || line.answered());
        let mut names = names.lock().clone();
        names.retain(|name| *name != "message");
        let manual = include_str!("../../../../manual/operations.md");
        let (_, table) = manual.split_once("| field | what it says |\n").unwrap();
        let rows = table
            .lines()
            .skip(1)
            .map_while(|row| row.strip_prefix("| `"));
        let mut told: Vec<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
        names.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, names);
    }
}

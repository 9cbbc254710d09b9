use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::config::reader::duration::Between;
use crate::config::reader::kind::{Plain, Shape};
use crate::config::reader::pattern::{is_host_pattern, refuse_pattern};
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};

/// `cors`: what becomes of requests that web pages of other origins make (Fetch §3.2).
///
/// Before it sends a token, a browser asks by a request without one whether it may: the preflight.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cors {
    /// `"gate"`: the gate refuses a preflight like every request without a token.
    #[default]
    Gate,
    /// `"upstream"`: a preflight, and nothing that is more than one, passes to the upstream.
    Upstream,
    /// `[routes.cors]`: the gate answers, and what an upstream says about it is replaced.
    Answer(CorsAnswers),
}

/// `[routes.cors]`: what browsers are told about a route.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CorsAnswers {
    /// The origins whose pages may use the route. Required. `["*"]` is all of them, and goes
    /// without `allow_credentials` only.
    pub allow_origins: Vec<HeaderValue>,
    /// The request headers that pages may set, `Authorization` always among them. Absent:
    /// `Content-Type`.
    pub allow_headers: Vec<HeaderName>,
    /// The response headers that pages may read, `WWW-Authenticate` and `Retry-After` always among
    /// them. Absent: no more.
    pub expose_headers: Vec<HeaderName>,
    /// Whether cookies may be sent. Absent: no; tokens need none.
    pub allow_credentials: bool,
    /// How long a browser need not ask again. Absent: 10 minutes.
    pub max_age: Duration,
}

impl Cors {
    /// Reads the key, which is a word or a table.
    pub(super) fn read(route: &mut Section<'_>) -> Option<Self> {
        if route.has_table("cors") {
            let answers = route.optional_section("cors", CorsAnswers::read);
            return answers.map(Self::Answer);
        }
        route.optional("cors", |node| match &*node.text()? {
            "gate" => Ok(Self::Gate),
            "upstream" => Ok(Self::Upstream),
            _ => Err("not known; write \"gate\", \"upstream\" or a table [routes.cors]".to_owned()),
        })
    }
}

impl CorsAnswers {
    /// The keys of `[routes.cors]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// exactly as browsers send them; ["*"] for all
        allow_origins: Shape::List(&Shape::Text), shown ["https://app.example.com"];
        /// that pages may send
        allow_headers: Shape::List(&Shape::Text), default ["authorization", "content-type"];
        /// that pages may read
        expose_headers: Shape::List(&Shape::Text), default ["www-authenticate", "retry-after"];
        /// true: pages may send cookies; tokens do not need them
        allow_credentials: Shape::Boolean, default false;
        /// how long a browser keeps the answer
        max_age: MaxAge::SHAPE, default "10m";
    };

    /// Tells whether pages of every origin may use the route.
    #[must_use]
    pub fn allows_any_origin(&self) -> bool {
        self.allow_origins.iter().any(|origin| origin == "*")
    }

    fn read(cors: &mut Section<'_>) -> Option<Self> {
        if !cors.has("allow_origins") {
            cors.refuse_missing("allow_origins", EXAMPLE);
        }
        let origins = cors.list("allow_origins", origins, origin);
        let allow_headers = cors.list("allow_headers", Node::items, header);
        let expose_headers = cors.list("expose_headers", Node::items, header);
        let max_age = cors.optional("max_age", MaxAge::read);
        let read = Self {
            allow_origins: origins?,
            allow_headers: with(&[AUTHORIZATION], allow_headers, &[CONTENT_TYPE]),
            expose_headers: with(&[WWW_AUTHENTICATE, RETRY_AFTER], expose_headers, &[]),
            allow_credentials: cors.flag("allow_credentials"),
            max_age: max_age.unwrap_or(DEFAULT_MAX_AGE),
        };
        read.refuse_contradictions(cors);
        Some(read)
    }

    fn refuse_contradictions(&self, cors: &Section<'_>) {
        if !self.allows_any_origin() {
            return;
        }
        if self.allow_origins.len() > 1 {
            cors.refuse("allow_origins", "* is every origin; drop it or the others");
        }
        if self.allow_credentials {
            let message = "would let every web page use the cookies of its visitor; name the \
             origins, or drop it";
            cors.refuse("allow_credentials", message);
        }
    }
}

/// What is always there, and what is chosen.
fn with(
    always: &[HeaderName],
    chosen: Option<Vec<HeaderName>>,
    default: &[HeaderName],
) -> Vec<HeaderName> {
    let mut all = always.to_vec();
    for name in chosen.unwrap_or_else(|| default.to_vec()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn origins(node: Node) -> Result<Vec<Node>, String> {
    match node.items()? {
        items if items.is_empty() => Err(format!("names no origin; write {EXAMPLE}")),
        items => Ok(items),
    }
}

/// Takes an origin to the letter in which browsers send it (RFC 6454 §6.2), for that is how it is
/// compared.
fn origin(node: Node) -> Result<HeaderValue, String> {
    let text = node.text()?;
    let value = HeaderValue::try_from(&text).map_err(|_| NO_ORIGIN.to_owned());
    if text == "*" {
        return value;
    }
    if text == "null" {
        return Err("is the origin of every sandboxed page; name the origins".to_owned());
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return Err(NO_ORIGIN.to_owned());
    };
    if is_host_pattern(host) {
        return Err("there are no patterns here; name each origin, or write [\"*\"]".to_owned());
    }
    let legal =
        |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase() && !b"/?#@,\"\\".contains(&b);
    let is_plain = !scheme.is_empty() && !host.is_empty() && host.bytes().all(legal);
    let has_default_port = matches!(scheme, "http") && host.ends_with(":80")
        || matches!(scheme, "https") && host.ends_with(":443");
    if !is_plain || !scheme.bytes().all(legal) || has_default_port {
        return Err(NO_ORIGIN.to_owned());
    }
    value
}

fn header(node: Node) -> Result<HeaderName, String> {
    let text = node.text()?;
    if text == "*" {
        return Err("name each header; browsers do not take * for all".to_owned());
    }
    refuse_pattern(&text, "name each header")?;
    HeaderName::try_from(&text).map_err(|_| "not the name of a header".to_owned())
}

const EXAMPLE: &str = "allow_origins = [\"https://app.example.com\"]";

const NO_ORIGIN: &str = "not an origin; write it as browsers do, like https://app.example.com: \
     in small letters, without a path, a slash at the end, or the usual port";

/// A page asks once in a visit or two; who takes an origin off the list is obeyed soon.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);

/// No browser keeps an answer for longer.
type MaxAge = Between<0, { 24 * 3600 }>;

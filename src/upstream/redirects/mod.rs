//! Where a response sends its client, in URLs that work for the client.
//!
//! A tool that names itself uses what it knows: its own address, the host that it was given, and
//! paths without the prefix that a route removes. Only that is rewritten, in `Location`,
//! `Content-Location`, `Refresh` and `Set-Cookie`:
//!
//! 1. A URL of one of the route's upstreams becomes a path.
//! 2. A URL of the host that the client asked for becomes a path too, if its path lacks the prefix,
//!    or if it would take a client from `https` to `http`.
//! 3. A path gets the prefix, unless it has it already, as from a tool that reads
//!    `X-Forwarded-Prefix`. Relative paths stay: they are right as they are.
//! 4. A cookie's `Path` is such a path. A `Domain` of an upstream is removed, so that the cookie is
//!    for the host that the client asked for.
//!
//! Everything else stays byte for byte, above all other origins and values that cannot be parsed.
//! No path is made that a browser would take for another host.

use http::header::{
    CONTENT_LOCATION, HeaderMap, HeaderName, HeaderValue, LOCATION, REFRESH, SET_COOKIE,
};
use http::uri::Authority;

use super::{Tool, UpstreamHost};
use crate::hygiene::names::{X_FORWARDED_HOST, X_FORWARDED_PREFIX, X_FORWARDED_PROTO};

/// The names that the upstreams of one route have for themselves.
#[derive(Debug)]
pub(crate) struct Redirects {
    upstreams: Box<[Origin]>,
    cuts_prefix: bool,
}

/// The client's origin as the upstream gets it, kept until the response arrives.
#[derive(Debug)]
pub(crate) struct Told {
    host: Option<HeaderValue>,
    prefix: Option<HeaderValue>,
    is_https: bool,
}

/// The same, parsed; only rewritten responses need it.
#[derive(Debug)]
struct Asked {
    origin: Option<Origin>,
    prefix: Option<HeaderValue>,
    is_https: bool,
}

/// RFC 6454 §4.
#[derive(Debug, Eq, PartialEq)]
struct Origin {
    is_https: bool,
    /// In lower case.
    host: String,
    /// None for the scheme's default port.
    port: Option<String>,
}

/// The parts of an absolute URL, or of one that leaves out its scheme.
struct Absolute<'u> {
    is_https: Option<bool>,
    authority: &'u str,
    /// Path, query and fragment.
    rest: &'u str,
}

impl Told {
    /// Reads it from a request as it is forwarded.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let scheme = headers.get(&X_FORWARDED_PROTO);
        Self {
            host: headers.get(&X_FORWARDED_HOST).and_then(copied),
            prefix: headers.get(&X_FORWARDED_PREFIX).and_then(copied),
            is_https: scheme.is_some_and(|scheme| scheme == "https"),
        }
    }
}

/// Copies a value out of hyper's buffer. A shared value would keep that buffer from reuse while the
/// response is awaited: a second buffer for each connection, and fragmented memory.
fn copied(value: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

impl Redirects {
    /// Returns none for a route that does not rewrite redirects.
    pub(crate) fn of(tool: &Tool<'_>) -> Option<Self> {
        let upstreams = tool.urls.iter();
        let upstreams = upstreams.filter_map(|url| match url.authority() {
            Some(authority) => Some(Origin::new(url.is_https(), authority.as_str())),
            // The upstream was addressed by this name.
            None if tool.host == UpstreamHost::Upstream => Some(Origin::new(false, "localhost")),
            None => None,
        });
        tool.rewrites_redirects.then(|| Self {
            upstreams: upstreams.collect(),
            cuts_prefix: tool.cuts_prefix,
        })
    }

    /// Rewrites the headers of a response to a request.
    pub(crate) fn rewrite(&self, headers: &mut HeaderMap, told: &Told) {
        if !headers.keys().any(is_rewritten) {
            return;
        }
        let asked = Asked::of(told, self.cuts_prefix);
        for (name, value) in headers.iter_mut() {
            let Ok(text) = str::from_utf8(value.as_bytes()) else {
                continue;
            };
            let rewritten = if *name == LOCATION || *name == CONTENT_LOCATION {
                self.url(text, &asked)
            } else if *name == REFRESH {
                self.refresh(text, &asked)
            } else if *name == SET_COOKIE {
                self.cookie(text, &asked)
            } else {
                None
            };
            let rewritten = rewritten.and_then(|text| HeaderValue::try_from(text).ok());
            if let Some(mut rewritten) = rewritten {
                rewritten.set_sensitive(value.is_sensitive());
                *value = rewritten;
            }
        }
    }

    /// Returns a URL as the client needs it; none if it is unchanged.
    fn url(&self, url: &str, asked: &Asked) -> Option<String> {
        // Browsers drop tabs and line ends anywhere, and parse the rest.
        if url.bytes().any(|b| b.is_ascii_control()) {
            return None;
        }
        let Some(absolute) = Absolute::parse(url) else {
            let path = url.starts_with('/').then(|| asked.with_prefix(url))?;
            return path.filter(|path| is_path(path));
        };
        let path = match absolute.rest.starts_with('/') {
            true => absolute.rest.to_owned(),
            false => format!("/{}", absolute.rest),
        };
        let prefixed = asked.with_prefix(&path);
        let is_to_be_path = self.is_upstream(&absolute)
            || asked.is_downgrade(&absolute)
            || (prefixed.is_some() && asked.is_own(&absolute));
        let path = prefixed.unwrap_or(path);
        (is_to_be_path && is_path(&path)).then_some(path)
    }

    fn is_upstream(&self, absolute: &Absolute<'_>) -> bool {
        let mut upstreams = self.upstreams.iter();
        upstreams.any(|upstream| absolute.origin(upstream.is_https) == *upstream)
    }

    /// Rewrites the text after `url=` (its only specification is in HTML, §4.2.5.3).
    fn refresh(&self, value: &str, asked: &Asked) -> Option<String> {
        let at = value.to_ascii_lowercase().find("url")?;
        let behind = value[at + "url".len()..].trim_start();
        let behind = behind.strip_prefix('=')?.trim_start();
        let quote = behind.starts_with(['"', '\'']).then(|| behind.split_at(1));
        let (url, behind) = match quote {
            Some((quote, behind)) => (behind.split(quote).next().unwrap_or_default(), behind),
            None => (behind, behind),
        };
        let (before, after) = (value.len() - behind.len(), &behind[url.len()..]);
        let rewritten = self.url(url, asked)?;
        Some(format!("{}{rewritten}{after}", &value[..before]))
    }

    /// Rewrites `Path` and `Domain` of a cookie (RFC 6265 §4.1.2); none if both stay.
    fn cookie(&self, cookie: &str, asked: &Asked) -> Option<String> {
        // A `__Host-` cookie is valid with the path `/` only (RFC 6265bis §4.1.3.2).
        if begins_with_host_prefix(cookie) {
            return None;
        }
        let mut parts = cookie.split(';');
        let mut rewritten = parts.next()?.to_owned();
        let mut is_changed = false;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim(), value.trim());
            let path = (name.eq_ignore_ascii_case("path") && value.starts_with('/'))
                .then(|| asked.cookie_path(value))
                .flatten();
            let is_foreign =
                name.eq_ignore_ascii_case("domain") && self.is_domain_of_upstream(value, asked);
            is_changed |= is_foreign || path.is_some();
            if is_foreign {
                continue;
            }
            rewritten.push(';');
            match path {
                Some(path) => rewritten.push_str(&part.replacen(value, &path, 1)),
                None => rewritten.push_str(part),
            }
        }
        is_changed.then_some(rewritten)
    }

    /// RFC 6265 §5.2.3: a leading dot means nothing.
    fn is_domain_of_upstream(&self, domain: &str, asked: &Asked) -> bool {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let is_domain = |origin: &Origin| origin.host.eq_ignore_ascii_case(domain);
        self.upstreams.iter().any(is_domain) && !asked.origin.as_ref().is_some_and(is_domain)
    }
}

/// Returns whether two authorities are the same in URLs of one scheme.
pub(crate) fn is_same_host(is_https: bool, one: &Authority, other: &HeaderValue) -> bool {
    let other = other.to_str().map(|other| Origin::new(is_https, other));
    other.is_ok_and(|other| other == Origin::new(is_https, one.as_str()))
}

fn is_rewritten(name: &HeaderName) -> bool {
    *name == LOCATION || *name == SET_COOKIE || *name == CONTENT_LOCATION || *name == REFRESH
}

fn begins_with_host_prefix(cookie: &str) -> bool {
    let name = cookie.trim_start().as_bytes();
    let prefix = name.get(..HOST_PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(HOST_PREFIX))
}

/// Returns whether no browser reads the path as a URL with a host: browsers read `\` as `/`.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path[1..].starts_with(['/', '\\'])
}

impl Asked {
    fn of(told: &Told, cuts_prefix: bool) -> Self {
        let host = told.host.as_ref().and_then(|host| host.to_str().ok());
        Self {
            origin: host.map(|host| Origin::new(told.is_https, host)),
            prefix: told.prefix.clone().filter(|_| cuts_prefix),
            is_https: told.is_https,
        }
    }

    /// Returns a path after the prefix; none if there is no prefix or the path has it.
    fn with_prefix(&self, path: &str) -> Option<String> {
        let prefix = self.prefix.as_ref()?.to_str().ok()?;
        let has_prefix = path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
        (!has_prefix).then(|| format!("{prefix}{path}"))
    }

    /// RFC 6265 §5.1.4: `/tool` matches everything below it, and `/tool/` does not match `/tool`.
    fn cookie_path(&self, path: &str) -> Option<String> {
        self.with_prefix(if path == "/" { "" } else { path })
    }

    /// Returns whether a URL has the origin that the client asked for.
    fn is_own(&self, absolute: &Absolute<'_>) -> bool {
        self.origin.as_ref() == Some(&absolute.origin(self.is_https))
    }

    /// Returns whether a URL has the host that the client asked for by `https`, but the scheme
    /// `http`. A tool behind an upstream without TLS sends it if it reads no `X-Forwarded-Proto`.
    fn is_downgrade(&self, absolute: &Absolute<'_>) -> bool {
        let origin = absolute.origin(self.is_https);
        let is_same = |own: &Origin| own.host == origin.host && own.port == origin.port;
        self.is_https && !origin.is_https && self.origin.as_ref().is_some_and(is_same)
    }
}

impl Origin {
    fn new(is_https: bool, authority: &str) -> Self {
        let authority = authority.to_ascii_lowercase();
        // A colon within the brackets of an IPv6 address is no port.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (&*authority, ""),
        };
        let default = if is_https { "443" } else { "80" };
        Self {
            is_https,
            host: host.to_owned(),
            port: Some(port.to_owned()).filter(|port| !port.is_empty() && port != default),
        }
    }
}

impl<'u> Absolute<'u> {
    /// RFC 3986 §4.2: two slashes begin a host. Schemes other than HTTP's are ignored.
    fn parse(url: &'u str) -> Option<Self> {
        let scheme = |name: &str| {
            let begin = url.get(..name.len())?;
            begin.eq_ignore_ascii_case(name).then(|| &url[name.len()..])
        };
        let (is_https, rest) = if let Some(rest) = scheme("https://") {
            (Some(true), rest)
        } else if let Some(rest) = scheme("http://") {
            (Some(false), rest)
        } else {
            (None, url.strip_prefix("//")?)
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        Some(Self {
            is_https,
            authority,
            rest,
        })
    }

    fn origin(&self, is_https_otherwise: bool) -> Origin {
        let is_https = self.is_https.unwrap_or(is_https_otherwise);
        Origin::new(is_https, self.authority)
    }
}

const HOST_PREFIX: &[u8] = b"__Host-";

#[cfg(test)]
mod tests;

//! From a request to its route, however a server reads the path.
//!
//! A path that has several [`Readings`] goes to a route only if all of them lead there; which one
//! the upstream has then decides nothing. The path that is forwarded stays as it came, but for the
//! prefix that a route cuts off: what is left has readings of its own, and
//! each must be below that prefix what the whole path is.

use http::Method;
use http::header::HeaderValue;

use self::spelling::Spellings;
use self::table::{Miss, RouteTable};
use crate::config::{AmbiguousPaths, RouteConfig};
use crate::path::{Readings, is_plain};
use crate::rejection::RejectionDetail;

/// All routes, known by their place in the configuration.
#[derive(Debug)]
pub(crate) struct RouteFinder {
    table: RouteTable,
    spellings: Spellings,
    handling: Vec<Handling>,
}

/// How a route treats paths.
#[derive(Debug)]
struct Handling {
    ambiguous: AmbiguousPaths,
    /// The removed prefix, in the form of a reading.
    prefix: Option<Box<str>>,
}

/// A request without its path.
#[derive(Clone, Copy)]
struct Question<'r> {
    host: Option<&'r HeaderValue>,
    method: &'r Method,
}

impl RouteFinder {
    pub(crate) fn new(routes: &[RouteConfig]) -> Self {
        Self {
            table: RouteTable::new(routes.iter().map(|route| &route.matches)),
            spellings: Spellings::new(routes),
            handling: routes.iter().map(Handling::of).collect(),
        }
    }

    /// Tells whether any host is for other routes than another.
    pub(crate) fn reads_hosts(&self) -> bool {
        self.table.reads_hosts()
    }

    /// Finds the route of a request.
    ///
    /// If all routes are for every path, nothing depends on the path, and whatever an upstream
    /// makes of it is its own business.
    pub(crate) fn find(
        &self,
        host: Option<&HeaderValue>,
        path: &str,
        method: &Method,
    ) -> Result<usize, Miss<'_>> {
        if !self.table.reads_paths() {
            return self.table.find(host, "/", method);
        }
        let question = Question { host, method };
        if is_plain(path) {
            return self.find_spelled(question, path);
        }
        self.find_ambiguous(question, path)
            .unwrap_or_else(|| Err(ambiguous()))
    }

    /// Finds the route of one reading; none if another spelling would lead to a stricter one.
    fn find_spelled(&self, asked: Question<'_>, reading: &str) -> Result<usize, Miss<'_>> {
        let route = self.table.find(asked.host, reading, asked.method)?;
        match self.spellings.pass_by(route, asked.host, reading) {
            true => Err(ambiguous()),
            false => Ok(route),
        }
    }

    /// Finds the route that all readings lead to; none if they differ, or there may be others.
    #[cold]
    fn find_ambiguous(&self, asked: Question<'_>, path: &str) -> Option<Result<usize, Miss<'_>>> {
        let readings = Readings::of(path);
        let found = self.find_spelled(asked, readings.common());
        let handling = found.as_ref().ok().map(|route| &self.handling[*route]);
        let leads_there = |reading: &str| self.find_spelled(asked, reading) == found;
        if !handling.is_some_and(|handling| handling.trusts(&readings)) && !readings.are_certain()
            || !readings.iter().all(leads_there)
        {
            return None;
        }
        let prefix = handling.and_then(|handling| handling.prefix.as_deref());
        let is_cut_alike = prefix.is_none_or(|prefix| {
            let rest = Readings::of(rest_of(path, prefix));
            is_cut_alike(&readings, prefix, &rest)
                && rest
                    .iter()
                    .all(|rest| leads_there(&format!("{prefix}{rest}")))
        });
        is_cut_alike.then_some(found)
    }
}

impl Handling {
    fn of(route: &RouteConfig) -> Self {
        let prefix = route.matches.path.compared();
        Self {
            ambiguous: route.ambiguous_paths,
            prefix: route.strip_prefix.then(|| prefix.into()),
        }
    }

    fn trusts(&self, readings: &Readings) -> bool {
        match self.ambiguous {
            AmbiguousPaths::Refuse => readings.are_certain(),
            AmbiguousPaths::Forward => readings.are_known(),
        }
    }
}

/// Returns whether the part of each reading below the prefix is a reading of the rest, and none of
/// those begins like a host.
fn is_cut_alike(readings: &Readings, prefix: &str, rest: &Readings) -> bool {
    let is_reading = |below: &str| rest.iter().any(|rest| rest == below);
    let mut below = readings.iter().map(|reading| reading.strip_prefix(prefix));
    rest.are_known()
        && !rest.iter().any(|rest| rest.starts_with("//"))
        && below.all(|below| below.is_some_and(|below| below.is_empty() || is_reading(below)))
}

/// Returns what is left of a path, as it came, where `prefix` is taken off.
pub(crate) fn rest_of<'p>(path: &'p str, prefix: &str) -> &'p str {
    let segments = prefix.matches('/').count();
    end_of(path, segments).map_or("/", |at| &path[at..])
}

/// No reading that leads to the route has other slashes up to here.
pub(crate) fn end_of(path: &str, segments: usize) -> Option<usize> {
    path.match_indices('/').nth(segments).map(|(at, _)| at)
}

fn ambiguous<'t>() -> Miss<'t> {
    Miss::rejected(RejectionDetail::AmbiguousPath)
}

pub(crate) mod cors;
#[cfg(test)]
mod meant;
pub(crate) mod metadata;
pub(crate) mod prefix;
pub(crate) mod rules;
pub(crate) mod spelling;
pub(crate) mod table;
#[cfg(test)]
mod tests;

//! Routes that another spelling of a path leads to.
//!
//! Paths are compared with case, and some servers compare them without. If that could lead past a
//! route that requires more than the one found, the path is ambiguous.

use std::borrow::Cow;
use std::cmp::Ordering;

use http::header::HeaderValue;

use super::table::upwards;
use crate::authority::bare_host;
use crate::config::{Admittance, RouteConfig, RouteMatch};

/// The routes that can be passed by, sorted by their paths in small letters.
#[derive(Debug)]
pub(crate) struct Spellings {
    guarded: Vec<Guarded>,
    /// By route.
    admittances: Vec<Admittance>,
    longest: usize,
    has_capitals: bool,
}

#[derive(Debug)]
struct Guarded {
    lower: Box<str>,
    matches: RouteMatch,
    admittance: Admittance,
}

impl Spellings {
    pub(crate) fn new(routes: &[RouteConfig]) -> Self {
        let admittances: Vec<Admittance> = routes.iter().map(Admittance::of).collect();
        let differ = admittances.iter().any(|other| *other != admittances[0]);
        let mut guarded: Vec<Guarded> = routes
            .iter()
            .zip(&admittances)
            .filter(|(route, admittance)| {
                differ && !admittance.is_open() && !route.matches.path.compared().is_empty()
            })
            .map(|(route, admittance)| Guarded::new(&route.matches, admittance))
            .collect();
        guarded.sort_by(|one, other| one.lower.cmp(&other.lower));
        Self {
            longest: guarded.iter().map(|g| g.lower.len()).max().unwrap_or(0),
            has_capitals: guarded
                .iter()
                .any(|g| *g.lower != *g.matches.path.compared()),
            guarded,
            admittances,
        }
    }

    /// Tells whether `reading`, which leads to `route`, differs only by case from a path of a
    /// stricter route: one that turns away some user that `route` lets in.
    pub(crate) fn pass_by(&self, route: usize, host: Option<&HeaderValue>, reading: &str) -> bool {
        if self.guarded.is_empty() {
            return false;
        }
        let lower = match reading.is_ascii() {
            true => Cow::Borrowed(reading),
            false => Cow::Owned(reading.to_lowercase()),
        };
        let has_capital = lower != reading || reading.bytes().any(|b| b.is_ascii_uppercase());
        if !has_capital && !self.has_capitals {
            return false;
        }
        let whole = lower.strip_suffix('/').unwrap_or(&lower);
        upwards(whole, self.longest).any(|above| {
            let of_path = self.of_path(above);
            of_path.iter().any(|guarded| {
                guarded.is_for(host, above.len() == whole.len())
                    && !guarded.is_named_by(reading)
                    && !self.admittances[route].is_within(&guarded.admittance)
            })
        })
    }

    /// Returns the routes of a path, in any case of its ASCII letters.
    fn of_path(&self, path: &str) -> &[Guarded] {
        let small = || path.bytes().map(|b| b.to_ascii_lowercase());
        let order = |guarded: &Guarded| guarded.lower.bytes().cmp(small());
        let begin = self.guarded.partition_point(|g| order(g) == Ordering::Less);
        let rest = &self.guarded[begin..];
        &rest[..rest.partition_point(|g| order(g) == Ordering::Equal)]
    }
}

impl Guarded {
    fn new(matches: &RouteMatch, admittance: &Admittance) -> Self {
        Self {
            lower: matches.path.compared().to_lowercase().into(),
            matches: matches.clone(),
            admittance: admittance.clone(),
        }
    }

    /// Its methods are ignored: a request with another one would be refused there.
    fn is_for(&self, host: Option<&HeaderValue>, is_whole: bool) -> bool {
        let hosts = &self.matches.hosts;
        let names = |host: &str| hosts.iter().any(|name| name.as_str() == host);
        let host = host.and_then(|host| host.to_str().ok());
        let is_host = || host.is_some_and(|host| names(&bare_host(host)));
        (is_whole || !self.matches.exact) && (hosts.is_empty() || is_host())
    }

    /// Returns whether the reading has the same case: then it was found, or a preferred one.
    fn is_named_by(&self, reading: &str) -> bool {
        self.matches.path.matches(reading)
    }
}

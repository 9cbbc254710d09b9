//! Lists in pages.
use std::fmt::Write;

use super::request::ApiRequest;

/// The page of a list that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// Reads `page` and `per_page`; what is no number in range counts as not there.
    pub(in crate::emulator) fn of(request: &ApiRequest) -> Self {
        let parameter = |name: &str| {
            let (_, value) = request.query().find(|(key, _)| key == name)?;
            value.parse::<usize>().ok().filter(|&number| number > 0)
        };
        Self {
            number: parameter("page").unwrap_or(1),
            size: parameter("per_page").map_or(DEFAULT_SIZE, |size| size.min(LARGEST_SIZE)),
        }
    }

    pub(in crate::emulator) fn take<T>(self, items: impl Iterator<Item = T>) -> Vec<T> {
        let skipped = (self.number - 1).saturating_mul(self.size);
        items.skip(skipped).take(self.size).collect()
    }

    /// Returns the header `Link` (RFC 8288) of this page of a list; absent if there is no other.
    pub(in crate::emulator) fn link(self, request: &ApiRequest, length: usize) -> Option<String> {
        let last = length.div_ceil(self.size).max(1);
        let before = (self.number > 1).then(|| [("prev", (self.number - 1).min(last))]);
        let after = (self.number < last).then(|| [("next", self.number + 1), ("last", last)]);
        let mut link = String::new();
        let pages = before
            .into_iter()
            .flatten()
            .chain(after.into_iter().flatten())
            .chain((self.number > 1).then_some(("first", 1)));
        for (relation, number) in pages {
            let separator = if link.is_empty() { "" } else { ", " };
            let url = url_of_page(request, number);
            // Writing to a String cannot fail.
            let _ = write!(link, "{separator}<{url}>; rel=\"{relation}\"");
        }
        (!link.is_empty()).then_some(link)
    }
}

/// Returns the URL of another page, which keeps the rest of the query.
fn url_of_page(request: &ApiRequest, number: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in request.query().filter(|(name, _)| name != "page") {
        query.append_pair(&name, &value);
    }
    query.append_pair("page", &number.to_string());
    format!(
        "http://{}{}?{}",
        request.host(),
        request.path(),
        query.finish()
    )
}

/// How many entries a page has, and can have at most, from GitHub's documents.
const DEFAULT_SIZE: usize = 30;
const LARGEST_SIZE: usize = 100;

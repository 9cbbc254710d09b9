use std::ops::Range;
use std::str;

use bytes::Bytes;
use http::HeaderValue;

/// Texts one behind the other in one allocation, which the headers made of them share.
#[derive(Clone)]
pub(super) struct Texts(Bytes);

impl Texts {
    pub(super) fn new(texts: &[&str]) -> Self {
        // Of exactly this length, so that nothing has to be kept beside it.
        Self(Bytes::from(texts.concat().into_bytes().into_boxed_slice()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// # Panics
    ///
    /// Panics if one of the texts does not begin, or does not end, where the range does.
    pub(super) fn str_at(&self, range: Range<usize>) -> &str {
        str::from_utf8(&self.0[range]).expect("these are whole texts")
    }

    /// # Panics
    ///
    /// Panics if there are bytes that may not stand in a header.
    pub(super) fn header_at(&self, range: Range<usize>) -> HeaderValue {
        let value = HeaderValue::from_maybe_shared(self.0.slice(range));
        value.expect("only what may stand in a header is made into one")
    }
}

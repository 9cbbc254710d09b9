use crate::config::reader::number::{Count, CountOrNone};
use crate::config::reader::table::table;
use crate::protection::Limits;

table! {
    /// `[ghes.limits]`; the defaults and their reasons stand with [`Limits`].
    pub(in crate::config) struct GhesLimits for Limits {
        /// calls at once
        concurrency: Count;
        /// calls per second
        rate: Count;
        /// calls in a burst, after a rest
        burst: Count;
        /// checks that may wait
        queue: CountOrNone;
    }
}

//! Endpoints of our own, for operators, for GHES and for callers: small bodies in, JSON and problems out.

#[cfg(feature = "proxy")]
mod body;
mod problem;
#[cfg(feature = "proxy")]
mod secret;

#[cfg(feature = "proxy")]
use std::num::NonZeroU32;

#[cfg(feature = "proxy")]
pub(crate) use self::body::{each_piece, small_body};
pub(crate) use self::problem::{Problem, empty, json};
#[cfg(feature = "proxy")]
pub(crate) use self::secret::SharedSecret;

/// The connections of operators: for probes, a few Prometheus servers and people.
#[cfg(feature = "proxy")]
pub(crate) const OPERATORS: NonZeroU32 = NonZeroU32::new(64).expect("not zero");

/// The connections for webhook deliveries: GHES connects from few addresses.
#[cfg(feature = "proxy")]
pub(crate) const DELIVERIES: NonZeroU32 = NonZeroU32::new(128).expect("not zero");

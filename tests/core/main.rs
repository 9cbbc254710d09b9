//! The gate in process: what a request is told, and what GHES is asked for it.

mod coalescing;
#[cfg(all(feature = "client", feature = "emulator"))]
mod gate;
mod hit;
mod membership;
mod policy;
#[cfg(feature = "client")]
mod protection;
#[cfg(all(feature = "axum", feature = "emulator", feature = "session"))]
mod session;
#[path = "../support/mod.rs"]
mod support;

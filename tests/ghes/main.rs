//! What speaks GHES's API: our client, the emulator, the two with each other, and trouble on the
//! way between them.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(all(feature = "client", feature = "emulator"))]
mod faults;
#[cfg(feature = "emulator")]
mod public_clients;
#[cfg(all(feature = "client", feature = "emulator"))]
mod state_machine;

/// GitHub's descriptions are in `tests/public_clients/rust`, which runs the emulator's tests too.
#[cfg(feature = "emulator")]
fn described(_: &http::Method, _: &str, _: &emulator::Answer) {}

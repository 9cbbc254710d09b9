//! What speaks GHES's API: our client, the emulator, and the two with each other.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(all(feature = "client", feature = "emulator"))]
mod state_machine;

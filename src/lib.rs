//! Accept GitHub Enterprise Server OAuth tokens in your own tools.
#![forbid(unsafe_code)]

#[cfg(feature = "emulator")]
pub mod emulator;

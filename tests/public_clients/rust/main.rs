//! octocrab against the emulator, the emulator's own tests with GitHub's descriptions at hand, and the
//! schema of the configuration.
//!
//! A package of its own: octocrab and the validator of schemas are a sixth of what a developer
//! would otherwise compile to run any test.

mod client;
mod configuration;
#[path = "../../ghes/emulator/mod.rs"]
mod emulator;
mod openapi;

use openapi::check as described;

//! The command, as a user runs it.
#![cfg(feature = "cli")]

mod check_config;
mod demo;
mod log;
mod operators;
mod running;
mod servers;

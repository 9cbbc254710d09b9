//! What the command takes of its system, friends and enemies connected: memory, processor time,
//! file descriptors.
//!
//! `cargo test --release --test process -- --nocapture --test-threads 1` prints the figures beside
//! their targets; `GATEKEEPER_FLOOD_FRAMES` and `GATEKEEPER_BODY_MIB` make the tests longer. The
//! gate is a process of its own, so that nothing here counts but what is its.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod bodies;
mod client;
mod deliveries;
mod descriptors;
mod figure;
mod floods;
mod frames;
mod gate;
mod half_closed;
mod idle;
mod memory;
mod multiplexed;
mod requests;
mod upstream;

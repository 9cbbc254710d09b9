//! What holds of the tree itself: its documents, its examples, and what its types may show.

mod catalogue;
#[cfg(all(feature = "axum", feature = "cli"))]
mod examples;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod peers;
#[cfg(feature = "proxy")]
mod readme;
#[cfg(all(feature = "emulator", feature = "proxy"))]
mod secrets;

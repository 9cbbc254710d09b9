//! The gate as a reverse proxy of its own.

pub mod config;

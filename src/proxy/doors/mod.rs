//! The entrances for requests: of clients, of those who ask about them, of operators, of GHES.

pub mod admin;
pub(super) mod clients;
pub mod decisions;
pub mod webhook;

//! The entrances for requests: of clients, of operators, of GHES.

pub mod admin;
pub(super) mod clients;
pub mod webhook;

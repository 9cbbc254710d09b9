//! The entrances for requests: of clients, of operators, of GHES.

pub mod admin;
pub(super) mod clients;
pub(super) mod problem;
pub(super) mod small_body;
pub mod webhook;

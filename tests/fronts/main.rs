//! Real servers ask the gate, each started on its own file of `examples/fronts`.
//!
//! One table holds for all: what a client gets, and what the tool sees. Where a server makes less
//! of an answer of the gate than others, its [`Habits`](fronts::Habits) say so.
//!
//! A program of its own, because servers and gate need few of the modules of `tests/proxy`, and what
//! is changed here is tried often.
#![cfg(all(feature = "emulator", feature = "proxy"))]

#[macro_use]
mod fronts;
mod forgeries;
mod hygiene;
mod login;
mod message;
mod outages;
mod scene;
mod table;
mod tool;

/// Of octocat, from GitHub's documents.
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const HOST: &str = "tools.example.com";

//! The command, as a user runs it.
#![cfg(feature = "cli")]

mod bad_configurations;
mod callers;
mod canary;
mod certificate;
mod check_config;
mod decisions;
mod demo;
mod gh;
mod ghes;
mod ghes_proxy;
mod load;
mod log;
mod login;
mod operators;
mod protection;
mod purge;
mod reload;
mod reload_under_load;
mod restarting;
mod running;
mod secret_files;
mod self_check;
mod servers;
mod stopping;
mod unreadable;

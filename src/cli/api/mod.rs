//! What the commands that call GHES have in common: where it is, who asks, and what a refusal
//! means.

mod app;
mod config;
mod list;
mod refusal;
mod user;

pub(super) use self::app::{AnyAppArguments, AppArguments};
pub(super) use self::config::pick_app;
pub(super) use self::list::ListArguments;
pub(super) use self::user::UserArguments;

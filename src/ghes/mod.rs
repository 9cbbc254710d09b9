//! The client of GitHub Enterprise Server.

mod url;

pub use self::url::{GhesUrl, InvalidGhesUrl};

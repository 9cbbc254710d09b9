//! From text and environment to a tree whose keys are taken out one by one, and the mistakes in it.

pub(super) mod duration;
pub(super) mod environment;
pub(super) mod error;
pub(super) mod kind;
pub(super) mod number;
pub(super) mod path;
pub(super) mod pattern;
pub(super) mod report;
pub(super) mod secret;
pub(super) mod section;
pub(super) mod source;
pub(super) mod syntax;
pub(super) mod table;

//! What lives as long as the process: who is asked, what is remembered and counted.

pub(super) mod assertion;
mod descriptors;
pub(super) mod first_answer;
pub(super) mod ghes_services;
pub(super) mod issuers;
pub(super) mod listening;
pub(super) mod metrics;
pub(super) mod secret_files;

//! What GHES is asked, and what it says: the operations of the client.

pub(super) mod applications;
pub(super) mod authorization_request;
pub(super) mod authorizations;
mod bearer;
pub(super) mod checked_token;
pub(super) mod device_flow;
pub(super) mod link;
pub(super) mod memberships;
pub(super) mod model;
pub(super) mod pages;
pub(super) mod scope_request;
mod users;
pub(super) mod verdict;
pub(super) mod web_flow;

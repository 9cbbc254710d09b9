//! The JSON of the REST API, in the order of members that recorded answers have.
mod authorization;
mod organization;
mod team;
mod user;

pub(super) use self::authorization::{Authorization, Grant};
pub(super) use self::organization::{OrganizationMembership, OrganizationSimple, TeamMembership};
pub(super) use self::team::TeamFull;
pub(super) use self::user::{AuthenticatedUser, Email};

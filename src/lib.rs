//! Accept GitHub Enterprise Server OAuth tokens in your own tools.
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod authority;
pub mod bearer;
mod cache;
pub mod check;
mod flight;
mod fold;
pub mod gatekeeper;
pub mod identity;
pub mod policy;
pub mod rejection;
pub mod scope;
pub mod token;
pub mod validator;

#[cfg(feature = "client")]
pub mod ghes;
#[cfg(feature = "proxy")]
pub mod proxy;

#[cfg(feature = "emulator")]
pub mod emulator;

pub use self::gatekeeper::GatekeeperLayer;
pub use self::identity::Identity;
pub use self::rejection::Rejection;

//! Webhook deliveries of GHES: their signature, and the purge that each asks for.

mod receiver;
mod signature;

pub use self::receiver::{Receiver, Refused};

//! What an issuer is asked, and what those who ask are told, while it fails or is flooded.
//!
//! Time stands still in all of these tests but where a test moves it.
#![cfg(feature = "client")]

mod apps;
mod credentials;
mod flood;
mod line;
mod memberships;
mod outage;
mod recovery;
mod retry;
mod support;

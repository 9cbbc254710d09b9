//! What an issuer is asked, and what those who ask are told, while it fails or is flooded.
//!
//! Time stands still in all of these tests but where a test moves it, and in `served`, where there
//! are real connections.

mod apps;
mod credentials;
mod flood;
mod line;
mod memberships;
#[cfg(feature = "emulator")]
mod odd;
mod outage;
mod recovery;
mod retry;
#[cfg(all(feature = "emulator", feature = "proxy"))]
mod served;
mod support;

//! `[[routes]]`.

mod defaults;
mod included;
mod names;
mod patterns;
mod refused;
mod upstreams;

use super::*;

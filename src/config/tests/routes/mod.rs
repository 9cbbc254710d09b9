//! `[[routes]]`.

mod names;
mod patterns;
mod refused;
mod upstreams;

use super::*;

//! GHES answers about everybody but one, whose client asks over and over: that is nobody else's
//! outage.

mod ghes;
mod groups;
mod outages;
mod people;
mod table;

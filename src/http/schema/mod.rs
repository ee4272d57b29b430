//! The shapes of bodies: those that are read, and those that document what is written.

mod replies;
mod requests;

pub(super) use replies::*;
pub(super) use requests::*;

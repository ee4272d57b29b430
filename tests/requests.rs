//! Members' requests for their rights: a clock that runs, steps that are written down, acts that the policy decides, and
//! texts that go with the member.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "requests/bulk.rs"]
mod bulk;
#[path = "requests/erase.rs"]
mod erase;
#[path = "requests/life.rs"]
mod life;
#[path = "requests/queue.rs"]
mod queue;
#[path = "requests/support.rs"]
mod support;

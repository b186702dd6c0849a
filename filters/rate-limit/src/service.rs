//! The client of `envoy.service.ratelimit.v3.RateLimitService`, without its calls.
//!
//! A call is one [`request`] and one [`Answer`] or [`ServiceFailure`]. [`Health`] decides whether
//! the service is called at all, and [`Batch`] buys units in advance.

mod answer;
mod batch;
mod failure;
mod health;
mod rate;
pub mod request;

pub use self::{
    answer::{Answer, Code, MAX_ANSWER_LEN, Status},
    batch::{Batch, BatchDraw, Settled},
    failure::ServiceFailure,
    health::Health,
    rate::{Rate, Unit},
};

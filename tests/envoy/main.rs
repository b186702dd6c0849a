//! The shipped modules in a real Envoy, which covers what unit tests of the filters cannot.

mod access_control;
mod chain;
mod differential;
mod fault_injection;
mod jwt_auth;
mod outcomes;
mod rate_limit;
mod rate_limit_services;
mod routing_tags;
mod sidecar;
mod suite;
mod telemetry;

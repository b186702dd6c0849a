//! The shipped modules in a real Envoy: what only the plugin can get wrong.

mod chain;
mod differential;
mod fault_injection;
mod jwt_auth;
mod outcomes;
mod routing_tags;
mod sidecar;
mod telemetry;

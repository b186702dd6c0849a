//! The shipped modules in a real Envoy: what only the plugin can get wrong.

mod jwt_auth;

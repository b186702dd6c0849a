//! Checks JSON Web Tokens at the proxy.

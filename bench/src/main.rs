//! Weir's filters beside Envoy's own, in one run.

fn main() {}

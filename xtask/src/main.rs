//! Builds what cargo can't.

fn main() {}

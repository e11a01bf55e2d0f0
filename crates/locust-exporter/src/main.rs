//! The standalone exporter.

fn main() {}

//! A headless visitor.

fn main() {}

//! One command optimises a scenario by its own gradients.
fn main() {}

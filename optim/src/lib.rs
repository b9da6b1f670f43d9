//! Optimizers with bounds.

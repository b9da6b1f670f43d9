//! Monte Carlo ray tracing with edge-sampled derivatives. Empty until its first slice lands.

//! The harness and the command line.

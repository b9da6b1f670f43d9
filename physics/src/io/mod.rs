//! Models from files. The functions take text: opening files is the caller's.

pub mod mjcf;

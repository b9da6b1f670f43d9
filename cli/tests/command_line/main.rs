//! The program as a user sees it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod bad_input;
mod dft;
mod end_to_end;
mod equations;
mod general;
mod models;
mod molecules;
mod own_files;
mod physics;
mod pictures;
mod place;
mod policies;
mod run_folder;
mod serve;
mod sweep;

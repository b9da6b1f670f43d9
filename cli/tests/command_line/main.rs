//! The program as a user sees it.

mod bad_input;
mod end_to_end;
mod place;

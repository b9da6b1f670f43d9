//! Studies: what is searched for, by which exact states it is judged, and what there is to see of the answer.

mod figures;
mod memory;
pub mod misfit;
mod potential;
mod training;
mod verdict;

pub use misfit::Misfit;
pub use potential::PotentialStudy;
pub use training::TrainingStudy;

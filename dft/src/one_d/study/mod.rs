//! Studies: what is searched for, by which exact states it is judged, and what there is to see of the answer.

mod figures;
mod memory;
mod potential;
mod training;
mod verdict;

pub use potential::{PotentialStudy, ReadyPotential};
pub use training::{ReadyTraining, TrainingStudy};

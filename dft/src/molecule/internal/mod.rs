//! Internal coordinates: distances, angles and dihedral angles as outputs, and as inputs in place of the positions.
//!
//! A geometry is found in fewer steps where the search knows what is stiff and what is soft, and a bond or an angle can be held or kept
//! within bounds where it is a coordinate. [`Chart`] makes positions of such coordinates, [`WithCoordinates`] a simulation.

mod chart;
mod connectivity;
mod coordinate;
mod force_field;
mod map;
mod placed;
mod simulation;

pub use chart::{Chart, ChartError, NamedCoordinate};
pub use coordinate::Coordinate;
pub use placed::Placed;
pub use simulation::{CoordinateSystem, WithCoordinates};

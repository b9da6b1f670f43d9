//! A molecule of which distances and angles are outputs, and, in place of the positions, inputs.

use std::sync::Arc;

use cotangent_problem::name::element;
use cotangent_problem::{Quantity, Simulation};

use super::chart::{Chart, ChartError, NamedCoordinate};
use super::coordinate::Coordinate;
use super::placed::Placed;
use crate::molecule::simulation::{MoleculeSimulation, atom_of_position, position_of_atom};

/// What the nuclei are moved by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoordinateSystem {
    /// The position of each.
    #[default]
    Cartesian,
    /// Distances and angles that are named, and collective coordinates for everything else.
    Internal,
}

/// A molecule with distances, angles and dihedral angles.
///
/// # Inputs
/// Those of [`MoleculeSimulation`]; of [`CoordinateSystem::Internal`] each `coordinate.NAME` (bohr or radian) and `internal`, the collective
/// coordinates of [`Chart`] (Ha^(1/2), all 0 at the geometry that was given), in place of the positions. Place and orientation of the whole
/// stay as they are.
///
/// # Outputs
/// Those of [`MoleculeSimulation`], each `coordinate.NAME`, and of [`CoordinateSystem::Internal`] the position of each atom. All that are
/// added are differentiable by what moves the nuclei.
#[derive(Clone, Debug)]
pub struct WithCoordinates {
    pub(super) molecule: Arc<MoleculeSimulation>,
    pub(super) coordinates: Vec<NamedCoordinate>,
    pub(super) chart: Option<Arc<Chart>>,
    pub(super) inputs: Vec<Quantity>,
    pub(super) input_places: Vec<InputPlace>,
    pub(super) outputs: Vec<Quantity>,
    pub(super) output_places: Vec<OutputPlace>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum InputPlace {
    /// An input of the molecule that is no position.
    Molecule(usize),
    /// The position of an atom.
    Position(usize),
    /// A named coordinate.
    Named(usize),
    /// All collective coordinates.
    Collective,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OutputPlace {
    /// An output of the molecule.
    Molecule(usize),
    /// A named coordinate.
    Named(usize),
    /// The position of an atom.
    Position(usize),
}

impl WithCoordinates {
    /// A molecule with coordinates that have names.
    ///
    /// # Errors
    /// [`ChartError`].
    pub fn new(
        molecule: MoleculeSimulation,
        coordinates: Vec<NamedCoordinate>,
        system: CoordinateSystem,
    ) -> Result<Self, ChartError> {
        let chart = match system {
            CoordinateSystem::Cartesian => None,
            CoordinateSystem::Internal => {
                Some(Arc::new(Chart::new(molecule.molecule(), coordinates.clone())?))
            }
        };
        let (mut inputs, mut input_places) = (Vec::new(), Vec::new());
        let (mut outputs, mut output_places) = (molecule.outputs().to_vec(), Vec::new());
        output_places.extend((0..outputs.len()).map(OutputPlace::Molecule));
        for (k, quantity) in molecule.inputs().iter().enumerate() {
            let place = match atom_of_position(k, molecule.molecule()) {
                None => InputPlace::Molecule(k),
                Some(_) if chart.is_some() => continue,
                Some(atom) => InputPlace::Position(atom),
            };
            inputs.push(quantity.clone());
            input_places.push(place);
        }
        for (k, one) in coordinates.iter().enumerate() {
            outputs.push(output_of(one));
            output_places.push(OutputPlace::Named(k));
        }
        if let Some(chart) = &chart {
            inputs.extend(inputs_of(chart));
            input_places.extend((0..coordinates.len()).map(InputPlace::Named));
            input_places.push(InputPlace::Collective);
            for (atom, of) in molecule.molecule().atoms().iter().enumerate() {
                let name = format!("{}.position", element("atom", "", atom));
                let about = format!("where the {} stands", of.element);
                outputs.push(Quantity::output(name, "bohr", &[3]).about(about).vectors());
                output_places.push(OutputPlace::Position(atom));
            }
        }
        let molecule = Arc::new(molecule);
        Ok(Self { molecule, coordinates, chart, inputs, input_places, outputs, output_places })
    }

    /// The molecule's own inputs for values of all inputs, in their order.
    ///
    /// # Errors
    /// [`ChartError`] where no positions have these coordinates.
    ///
    /// # Panics
    /// Unless there are values for each input.
    pub fn molecule_inputs(&self, values: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, ChartError> {
        let mut own: Vec<Vec<f64>> =
            self.molecule.inputs().iter().map(|quantity| quantity.value.clone()).collect();
        for (place, value) in self.input_places.iter().zip(values) {
            match place {
                InputPlace::Molecule(k) => own[*k].clone_from(value),
                InputPlace::Position(atom) => {
                    own[position_of_atom(*atom)].clone_from(value);
                }
                InputPlace::Named(_) | InputPlace::Collective => {}
            }
        }
        if let Some(placed) = self.placed(values)? {
            for (atom, position) in placed.positions_bohr.iter().enumerate() {
                own[position_of_atom(atom)] = position.to_vec();
            }
        }
        Ok(own)
    }

    /// The positions of all atoms, bohr.
    pub(super) fn positions(&self, values: &[Vec<f64>], placed: Option<&Placed>) -> Vec<[f64; 3]> {
        if let Some(placed) = placed {
            return placed.positions_bohr.clone();
        }
        let all = self.input_places.iter().zip(values);
        let positions = all.filter(|(place, _)| matches!(place, InputPlace::Position(_)));
        positions.map(|(_, value)| [value[0], value[1], value[2]]).collect()
    }

    /// Where internal coordinates put the nuclei.
    pub(super) fn placed(&self, values: &[Vec<f64>]) -> Result<Option<Placed>, ChartError> {
        let Some(chart) = &self.chart else { return Ok(None) };
        let of = |wanted: fn(&InputPlace) -> bool| -> Vec<f64> {
            let picked = self.input_places.iter().zip(values).filter(|(place, _)| wanted(place));
            picked.flat_map(|(_, value)| value.iter().copied()).collect()
        };
        let named = of(|place| matches!(place, InputPlace::Named(_)));
        chart.place(&named, &of(|place| *place == InputPlace::Collective)).map(Some)
    }
}

fn output_of(one: &NamedCoordinate) -> Quantity {
    let atoms: Vec<String> = one.coordinate.atoms().iter().map(usize::to_string).collect();
    let (kind, atoms) = (kind_of(&one.coordinate), atoms.join(", "));
    Quantity::output(one.name.clone(), one.coordinate.unit(), &[])
        .about(format!("the {kind} of atoms {atoms}"))
}

fn kind_of(coordinate: &Coordinate) -> &'static str {
    match coordinate {
        Coordinate::Distance(_) => "distance",
        Coordinate::Angle(_) => "angle",
        Coordinate::Dihedral(_) => "dihedral angle",
        Coordinate::Bow { .. } => "deviation from a line",
        Coordinate::Cartesian { .. } => "place",
    }
}

fn inputs_of(chart: &Chart) -> Vec<Quantity> {
    let mut inputs = Vec::new();
    for ((one, value), scale) in chart.named().iter().zip(chart.values()).zip(chart.scales()) {
        let input = Quantity::scalar(one.name.clone(), one.coordinate.unit(), value)
            .about(output_of(one).summary)
            .scaled(*scale);
        inputs.push(match one.coordinate {
            Coordinate::Distance(_) => input.within(0.0, f64::INFINITY),
            Coordinate::Angle(_) => input.within(0.0, std::f64::consts::PI),
            _ => input,
        });
    }
    let count = chart.collective_len();
    inputs.push(Quantity::input("internal", "Ha^(1/2)", &[count], vec![0.0; count]).about(
        "collective internal coordinates; half their square is the energy of a guessed force field",
    ));
    inputs
}

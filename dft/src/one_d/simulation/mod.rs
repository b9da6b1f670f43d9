//! Molecules on a line as a simulation: nuclei, potentials and the functional in; energies, densities and forces out.
//!
//! Every molecule is a part of its own; the functional's parameters are shared by all. A molecule `h2` has the inputs
//!
//! | input | shape | unit |
//! |---|---|---|
//! | `molecule.h2.positions` | nuclei | bohr |
//! | `molecule.h2.charges` | nuclei | |
//! | `molecule.h2.potential` | grid points | Ha |
//! | `functional.parameters` | parameters | |
//!
//! and the outputs `molecule.h2.energy` (Ha), `.density` (1/bohr, at each grid point), `.forces` (Ha/bohr), `.distances` (bohr,
//! from each nucleus to the next), `.force_constants` (Ha/bohr^2) and `.wave_numbers` (1/cm), the last two without derivatives.

mod map;
mod molecule;

use std::sync::Arc;

use cotangent_problem::simulation::{check_picks, fix_quantity};
use cotangent_problem::{Axis, Map, MapError, Quantity, Simulation, name};

use crate::one_d::field::scf::Model;
use crate::one_d::functional::Functional;
use crate::one_d::functional::file::FunctionalFile;
use crate::one_d::interaction::Interaction;

/// How the electrons of a [`LineSimulation`] are solved for.
#[derive(Clone)]
pub enum LineTheory {
    /// Kohn-Sham with a functional whose parameters stay as they are.
    KohnSham(Arc<dyn Functional + Send + Sync>),
    /// Kohn-Sham with a trained functional, whose parameters are an input.
    Trained(FunctionalFile),
    /// The exact ground state.
    Exact,
}

impl std::fmt::Debug for LineTheory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KohnSham(_) => "KohnSham",
            Self::Trained(_) => "Trained",
            Self::Exact => "Exact",
        })
    }
}

/// A molecule: nuclei at positions in bohr with their charges, and electrons, paired as far as possible.
#[derive(Clone, Debug, PartialEq)]
pub struct LineMolecule {
    /// Its name in the names of inputs and outputs.
    pub name: String,
    /// Positions of the nuclei in bohr.
    pub positions_bohr: Vec<f64>,
    /// Their charges.
    pub charges: Vec<f64>,
    /// Number of electrons.
    pub electrons: usize,
    /// Masses of the nuclei in unified atomic mass units; `None` where a nucleus is no element's, and nothing vibrates.
    pub masses_u: Option<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputKind {
    Positions,
    Charges,
    Potential,
    Parameters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutputKind {
    Energy,
    Density,
    Forces,
    Distances,
    ForceConstants,
    WaveNumbers,
}

/// Molecules on a line as a map from nuclei, potentials and functional to energies, densities and forces.
#[derive(Clone, Debug)]
pub struct LineSimulation {
    model: Model,
    theory: LineTheory,
    molecules: Vec<LineMolecule>,
    inputs: Vec<Quantity>,
    outputs: Vec<Quantity>,
    /// Molecule and kind of each input; the parameters of the functional have no molecule of their own.
    input_kinds: Vec<(usize, InputKind)>,
    output_kinds: Vec<(usize, OutputKind)>,
}

impl LineSimulation {
    /// The simulation of these molecules.
    ///
    /// # Panics
    /// Where a molecule has not as many positions as charges.
    pub fn new(model: Model, theory: LineTheory, molecules: Vec<LineMolecule>) -> Self {
        let (mut inputs, mut input_kinds) = (Vec::new(), Vec::new());
        let (mut outputs, mut output_kinds) = (Vec::new(), Vec::new());
        let axis = Arc::new(grid_axis(&model));
        for (m, molecule) in molecules.iter().enumerate() {
            for (kind, quantity) in molecule_inputs(&model, &theory, molecule, &axis) {
                inputs.push(quantity);
                input_kinds.push((m, kind));
            }
            for (kind, quantity) in molecule_outputs(&model, &theory, molecule, &axis) {
                outputs.push(quantity);
                output_kinds.push((m, kind));
            }
        }
        if let LineTheory::Trained(file) = &theory {
            let parameters = file.parameters.clone();
            let shape = [parameters.len()];
            let quantity = Quantity::input("functional.parameters", "", &shape, parameters)
                .scaled(0.1)
                .about("weights of the trained functional");
            inputs.push(quantity);
            input_kinds.push((0, InputKind::Parameters));
        }
        Self { model, theory, molecules, inputs, outputs, input_kinds, output_kinds }
    }

    /// Grid, stencil and interaction.
    pub fn model(&self) -> &Model {
        &self.model
    }
}

/// The grid points, each with the weight of its interval.
fn grid_axis(model: &Model) -> Axis {
    let grid = &model.grid;
    Axis {
        name: "x".into(),
        unit: "bohr".into(),
        values: grid.coordinates(),
        weights: vec![grid.spacing_bohr(); grid.points()],
    }
}

fn molecule_inputs(
    model: &Model,
    theory: &LineTheory,
    molecule: &LineMolecule,
    axis: &Arc<Axis>,
) -> Vec<(InputKind, Quantity)> {
    let name = |what: &str| format!("molecule.{}.{what}", name::segment(&molecule.name));
    let (nuclei, half) = (molecule.charges.len(), model.grid.half_width_bohr());
    let mut positions =
        Quantity::input(name("positions"), "bohr", &[nuclei], molecule.positions_bohr.clone())
            .within(-half, half)
            .scaled(0.2)
            .about("places of the nuclei");
    if matches!(model.interaction, Interaction::Exponential { .. }) {
        positions = positions.fixed(
            "the exponential interaction has a kink at a nucleus, which makes a notch of the energy at every grid point; take the \
             soft Coulomb interaction",
        );
    }
    let charges = Quantity::input(name("charges"), "", &[nuclei], molecule.charges.clone())
        .within(0.0, f64::INFINITY)
        .scaled(0.1)
        .about("charges of the nuclei; the number of electrons stays");
    let mut inputs = vec![(InputKind::Positions, positions), (InputKind::Charges, charges)];
    if !matches!(theory, LineTheory::Exact) {
        let points = model.grid.points();
        let potential = Quantity::input(name("potential"), "Ha", &[points], vec![0.0; points])
            .scaled(0.1)
            .along(axis)
            .about("what acts on the electrons besides the nuclei");
        inputs.push((InputKind::Potential, potential));
    }
    inputs
}

fn molecule_outputs(
    model: &Model,
    theory: &LineTheory,
    molecule: &LineMolecule,
    axis: &Arc<Axis>,
) -> Vec<(OutputKind, Quantity)> {
    let name = |what: &str| format!("molecule.{}.{what}", name::segment(&molecule.name));
    let (nuclei, points) = (molecule.charges.len(), model.grid.points());
    let energy = Quantity::output(name("energy"), "Ha", &[])
        .about("total energy, the repulsion of the nuclei included");
    let mut density = Quantity::output(name("density"), "1/bohr", &[points])
        .along(axis)
        .about("electrons of both spins");
    let mut forces = Quantity::output(name("forces"), "Ha/bohr", &[nuclei])
        .about("on each nucleus, by the nuclei and the electrons");
    if matches!(theory, LineTheory::Exact) {
        let why = "only the energy of an exact state has derivatives";
        (density, forces) = (density.fixed(why), forces.fixed(why));
    } else if matches!(model.interaction, Interaction::Exponential { .. }) {
        forces = forces.fixed("the exponential interaction has a kink at a nucleus");
    }
    let mut outputs = vec![
        (OutputKind::Energy, energy),
        (OutputKind::Density, density),
        (OutputKind::Forces, forces),
    ];
    if nuclei > 1 {
        let distances = Quantity::output(name("distances"), "bohr", &[nuclei - 1])
            .about("from each nucleus to the next");
        outputs.push((OutputKind::Distances, distances));
        outputs.extend(second_order(model, molecule, &name));
    }
    outputs
}

/// What the second derivatives of the energy say; they are not differentiated once more.
fn second_order(
    model: &Model,
    molecule: &LineMolecule,
    name: &dyn Fn(&str) -> String,
) -> Vec<(OutputKind, Quantity)> {
    if matches!(model.interaction, Interaction::Exponential { .. }) {
        return Vec::new();
    }
    let nuclei = molecule.charges.len();
    let why = "third derivatives of the energy are not computed";
    let constants = Quantity::output(name("force_constants"), "Ha/bohr^2", &[nuclei, nuclei])
        .about("second derivatives of the energy by positions")
        .fixed(why);
    let numbers = Quantity::output(name("wave_numbers"), "1/cm", &[nuclei - 1])
        .about("harmonic vibrations, ascending; a negative one is an instability")
        .fixed(why);
    let numbers = molecule.masses_u.is_some().then_some((OutputKind::WaveNumbers, numbers));
    std::iter::once((OutputKind::ForceConstants, constants)).chain(numbers).collect()
}

impl Simulation for LineSimulation {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        Ok(Box::new(map::LineMap::new(self, inputs, outputs)))
    }
}

#[cfg(test)]
mod tests;

//! A molecule with its field and forces, as records of another program ask for them.

use cotangent_dft::molecule::gradient::{EnergyGradient, Inputs};
use cotangent_dft::molecule::integrals::repulsion::store::RepulsionOptions;
use cotangent_dft::molecule::scf::{
    Core, FockBuilder, HartreeFock, Reference, Scf, ScfOptions, self_consistent_field,
};
use cotangent_dft::molecule::{
    Atom, Basis, Element, Form, GridOptions, GridResponse, KohnSham, Molecule, StandardFunctional,
    basis_set,
};

/// What is to be computed.
pub(super) struct Case<'a> {
    pub(super) symbols: &'a [String],
    pub(super) positions_bohr: &'a [[f64; 3]],
    pub(super) charge: i32,
    pub(super) multiplicity: usize,
    pub(super) basis: &'a str,
    /// `None` is Hartree-Fock.
    pub(super) functional: Option<StandardFunctional>,
    pub(super) grid: GridOptions,
    pub(super) response: GridResponse,
    pub(super) reference: Reference,
}

/// What was found.
pub(super) struct Solved {
    pub(super) core: Core,
    pub(super) scf: Scf,
    /// The energy's derivatives by the positions, hartree/bohr; `None` of a field that is not stationary.
    pub(super) gradient: Option<Vec<[f64; 3]>>,
}

impl Case<'_> {
    fn core(&self) -> Core {
        let atoms = self.symbols.iter().zip(self.positions_bohr).map(|(symbol, position)| {
            Atom::new(Element::of_symbol(symbol).expect("an element"), *position)
        });
        let molecule = Molecule::new(atoms.collect(), self.charge, self.multiplicity);
        let molecule = molecule.expect("atoms with their electrons");
        let set = basis_set(self.basis).ok().flatten().expect("a set that the crate carries");
        let basis = Basis::new(&molecule, &set, Form::Spherical).expect("its elements are there");
        Core::new(&molecule, &basis, [0.0; 3]).expect("finite integrals")
    }

    /// The field, down every instability, and its forces.
    pub(super) fn solve(&self) -> Solved {
        let repulsion = RepulsionOptions { cutoff_ha: 1e-13, ..RepulsionOptions::default() };
        let core = self.core();
        let Some(functional) = self.functional else {
            let builder = HartreeFock::new(core, repulsion);
            let scf = self.field(&builder);
            let found = EnergyGradient::hartree_fock(&builder, &scf, Inputs::Molecule);
            return Solved { core: builder.core().clone(), scf, gradient: positions(found) };
        };
        let builder = KohnSham::new(core, repulsion, &functional.into(), &self.grid);
        let builder = builder.expect("a grid");
        let scf = self.field(&builder);
        let found = EnergyGradient::kohn_sham(&builder, &scf, Inputs::Molecule, self.response);
        Solved { core: builder.core().clone(), scf, gradient: positions(found) }
    }

    fn field(&self, builder: &dyn FockBuilder) -> Scf {
        let options = ScfOptions {
            tol_energy_ha: 1e-11,
            tol_gradient_ha: 1e-7,
            follow_down: true,
            ..ScfOptions::default()
        };
        self_consistent_field(builder, self.reference, &options).expect("a field")
    }
}

fn positions<E>(found: Result<EnergyGradient, E>) -> Option<Vec<[f64; 3]>> {
    found.ok().map(|gradient| gradient.positions)
}

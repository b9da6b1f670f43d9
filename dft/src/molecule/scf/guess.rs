//! A density to start from: atoms that do not know of each other.
//!
//! Each element is an atom of its own whose shells are filled evenly over their directions and both spins, made self-consistent in the
//! molecule's own basis functions; the molecule starts from the sum. Van Lenthe et al., J. Comput. Chem. 27, 926 (2006),
//! doi:10.1002/jcc.20393.

use std::collections::BTreeMap;

use crate::molecule::basis::harmonics::Form;
use crate::molecule::basis::{Basis, Shell};
use crate::molecule::geometry::element::Element;
use crate::molecule::geometry::{Atom, Molecule};
use crate::molecule::integrals::one_electron::{attraction, kinetic, overlap};
use crate::molecule::integrals::repulsion::store::{Repulsion, RepulsionOptions};
use crate::molecule::matrix::Matrix;

/// Iterations of an atom; a start does not need more digits than these give.
const ITERATIONS: usize = 20;
/// The share of the old density in the next.
const MIXING: f64 = 0.3;
/// The order in which subshells fill: their angular momenta (Madelung).
const FILLING: [usize; 19] = [0, 0, 1, 0, 1, 0, 2, 1, 0, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1];

/// The total density of the molecule as a sum of atoms with the right number of electrons. `None` where an atom's matrix is
/// not finite.
pub fn superposition_of_atoms(molecule: &Molecule, basis: &Basis) -> Option<Matrix> {
    let n = basis.len();
    let mut density = Matrix::zeros(n, n);
    let mut known: BTreeMap<Element, (Vec<Shell>, Matrix)> = BTreeMap::new();
    for (index, atom) in molecule.atoms().iter().enumerate() {
        let own = |s: &&(usize, &Shell)| s.1.atom == index;
        let all: Vec<(usize, &Shell)> = basis.shells().iter().enumerate().collect();
        let members: Vec<(usize, &Shell)> = all.iter().filter(own).copied().collect();
        let shells: Vec<Shell> =
            members.iter().map(|(_, shell)| Shell { atom: 0, ..(*shell).clone() }).collect();
        if shells.is_empty() || atom.charge == 0.0 {
            continue;
        }
        let fresh = !known.get(&atom.element).is_some_and(|(same, _)| *same == shells);
        if fresh {
            let of_atom = atom_density(atom.element, &shells, basis.form())?;
            known.insert(atom.element, (shells, of_atom));
        }
        let functions: Vec<usize> =
            members.iter().flat_map(|(at, _)| basis.functions(*at)).collect();
        let (_, block) = &known[&atom.element];
        for (i, row) in functions.iter().enumerate() {
            for (j, column) in functions.iter().enumerate() {
                density.entries_mut()[row * n + column] = block.at(i, j);
            }
        }
    }
    Some(density)
}

/// The spherical density of an atom, functions by functions of its shells.
fn atom_density(element: Element, shells: &[Shell], form: Form) -> Option<Matrix> {
    let unpaired = element.number() % 2;
    let molecule = Molecule::new(vec![Atom::new(element, [0.0; 3])], 0, 1 + unpaired).ok()?;
    let basis = Basis::from_shells(shells.to_vec(), Form::Spherical).ok()?;
    let mut core = kinetic(&molecule, &basis);
    core.add(1.0, &attraction(&molecule, &basis));
    let overlap = overlap(&molecule, &basis);
    let repulsion = Repulsion::new(&molecule, &basis, RepulsionOptions::default());
    let n = basis.len();
    let occupations = occupations(element);
    let mut density = Matrix::zeros(n, n);
    for iteration in 0..ITERATIONS {
        let field = repulsion.coulomb_exchange(std::slice::from_ref(&density)).remove(0);
        let mut fock = core.clone();
        fock.add(1.0, &field.coulomb);
        fock.add(-0.5, &field.exchange);
        let mut next = Matrix::zeros(n, n);
        for (l, electrons) in occupations.iter().enumerate() {
            add_momentum(&basis, l, *electrons, &fock, &overlap, &mut next)?;
        }
        let old = if iteration == 0 { 0.0 } else { MIXING };
        density = density.scaled(old);
        density.add(1.0 - old, &next);
    }
    Some(if form == Form::Cartesian { in_cartesian(shells, &basis, &density) } else { density })
}

/// Electrons by angular momentum.
fn occupations(element: Element) -> [f64; 4] {
    let mut left = element.number();
    let mut electrons = [0.0; 4];
    for l in FILLING {
        let here = left.min(4 * l + 2);
        electrons[l] += here as f64;
        left -= here;
    }
    electrons
}

/// Fills the lowest orbitals of an angular momentum, evenly over their directions.
fn add_momentum(
    basis: &Basis,
    l: usize,
    electrons: f64,
    fock: &Matrix,
    overlap: &Matrix,
    density: &mut Matrix,
) -> Option<()> {
    let shells = basis.shells().iter().enumerate().filter(|(_, shell)| shell.l == l);
    let starts: Vec<usize> = shells.map(|(index, _)| basis.functions(index).start).collect();
    let size = starts.len();
    let radial = |matrix: &Matrix| {
        let entries = starts.iter().flat_map(|i| starts.iter().map(move |j| (*i, *j)));
        Matrix::from_entries(size, size, entries.map(|(i, j)| matrix.at(i, j)).collect())
    };
    if size == 0 || electrons == 0.0 {
        return Some(());
    }
    let (values, vectors) = radial(overlap).eigen()?;
    let kept: Vec<usize> = (0..size).filter(|k| values[*k] > 1e-9).collect();
    let entry = |row: usize, k: &usize| vectors.at(row, *k) / values[*k].sqrt();
    let entries = (0..size).flat_map(|row| kept.iter().map(move |k| entry(row, k))).collect();
    let x = Matrix::from_entries(size, kept.len(), entries);
    let (_, orbitals) = x.transposed().times(&radial(fock)).times(&x).eigen()?;
    let orbitals = x.times(&orbitals);
    let directions = (2 * l + 1) as f64;
    let mut left = electrons / directions;
    for k in 0..kept.len() {
        let here = left.min(2.0);
        left -= here;
        for (i, row) in starts.iter().enumerate() {
            for (j, column) in starts.iter().enumerate() {
                let value = here * orbitals.at(i, k) * orbitals.at(j, k);
                for m in 0..=2 * l {
                    let at = (row + m) * basis.len() + column + m;
                    density.entries_mut()[at] += value;
                }
            }
        }
    }
    Some(())
}

/// The density over Cartesian functions, of which the spherical ones are combinations: `D = R^T D_sph R`.
fn in_cartesian(shells: &[Shell], spherical: &Basis, density: &Matrix) -> Matrix {
    let columns: usize = shells.iter().map(|shell| Form::Cartesian.count(shell.l)).sum();
    let mut rows = Matrix::zeros(spherical.len(), columns);
    let mut start = 0;
    for (index, shell) in shells.iter().enumerate() {
        let (harmonics, count) = (Form::Spherical.rows(shell.l), Form::Cartesian.count(shell.l));
        let norms = Form::Cartesian.rows(shell.l);
        for (m, row) in spherical.functions(index).enumerate() {
            for k in 0..count {
                let value = harmonics[m * count + k] / norms[k * count + k];
                rows.entries_mut()[row * columns + start + k] = value;
            }
        }
        start += count;
    }
    rows.transposed().times(density).times(&rows)
}

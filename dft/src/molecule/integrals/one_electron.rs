//! Overlap, kinetic energy, multipole moments and the attraction of nuclei.

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::boys::Boys;
use crate::molecule::integrals::hermite::{Order, count, repulsion};
use crate::molecule::integrals::lane::{LANES, Lane};
use crate::molecule::integrals::pair::{Operator, PlacedShell, expand, products};
use crate::molecule::matrix::Matrix;

/// `<a|b>`.
pub fn overlap(molecule: &Molecule, basis: &Basis) -> Matrix {
    integrate(molecule, basis, |a, b| moments(a, Operator::Identity, b, Operator::Identity))
}

/// `<a|-1/2 nabla^2|b>`, hartree.
pub fn kinetic(molecule: &Molecule, basis: &Basis) -> Matrix {
    integrate(molecule, basis, |a, b| moments(a, Operator::Identity, b, Operator::Kinetic))
}

/// `<a|x|b>`, `<a|y|b>`, `<a|z|b>` about `origin`, bohr.
pub fn dipole(molecule: &Molecule, basis: &Basis, origin: [f64; 3]) -> [Matrix; 3] {
    [0, 1, 2].map(|axis| {
        let mut powers = [0; 3];
        powers[axis] = 1;
        integrate(molecule, basis, |a, b| {
            let mut block = moments(a, Operator::Identity, b, Operator::Moment(powers));
            let plain = moments(a, Operator::Identity, b, Operator::Identity);
            let arm = b.centre[axis] - origin[axis];
            block.iter_mut().zip(&plain).for_each(|(x, s)| *x += arm * s);
            block
        })
    })
}

/// `<a|(r - O)_k (r - O)_m|b>` about `origin` for `xx, xy, xz, yy, yz, zz`, bohr^2.
pub fn second_moments(molecule: &Molecule, basis: &Basis, origin: [f64; 3]) -> [Matrix; 6] {
    [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]].map(|[k, m]| {
        integrate(molecule, basis, |a, b| {
            let about = |axes: &[usize]| {
                let mut powers = [0; 3];
                axes.iter().for_each(|axis| powers[*axis] += 1);
                moments(a, Operator::Identity, b, Operator::Moment(powers))
            };
            let (arm_k, arm_m) = (b.centre[k] - origin[k], b.centre[m] - origin[m]);
            let (both, first, second, none) =
                (about(&[k, m]), about(&[k]), about(&[m]), about(&[]));
            let sum =
                |i: usize| both[i] + arm_m * first[i] + arm_k * second[i] + arm_k * arm_m * none[i];
            (0..both.len()).map(sum).collect()
        })
    })
}

/// `-sum_C Z_C <a|1/|r - C||b>`, hartree.
pub fn attraction(molecule: &Molecule, basis: &Basis) -> Matrix {
    let nuclei = Nuclei::new(molecule);
    integrate(molecule, basis, |a, b| {
        let degree = a.l + b.l;
        let size = a.functions * b.functions;
        let mut block = vec![0.0; size];
        let mut expansion = vec![0.0; count(degree) * size];
        let mut potential = vec![0.0; count(degree)];
        for product in products(a, b) {
            expansion.fill(0.0);
            let [i, j] = product.primitives;
            let weight = a.weights[i] * b.weights[j];
            let sides = ((a, Operator::Identity), (b, Operator::Identity));
            expand(sides.0, sides.1, &product, degree, weight, &mut expansion);
            nuclei.potential(product.exponent, product.centre, degree, &mut potential);
            for (v, e) in potential.iter().zip(expansion.chunks(size)) {
                block.iter_mut().zip(e).for_each(|(x, e)| *x += v * e);
            }
        }
        block
    })
}

/// The symmetric matrix of a block for each pair of shells, functions of the first by functions of the second.
pub(in crate::molecule) fn integrate(
    molecule: &Molecule,
    basis: &Basis,
    block: impl Fn(&PlacedShell, &PlacedShell) -> Vec<f64>,
) -> Matrix {
    let shells = PlacedShell::all(molecule, basis);
    let n = basis.len();
    let mut out = Matrix::zeros(n, n);
    for (index, a) in shells.iter().enumerate() {
        for b in &shells[..=index] {
            let block = block(a, b);
            for (k, value) in block.iter().enumerate() {
                let (row, column) = (a.start + k / b.functions, b.start + k % b.functions);
                out.entries_mut()[row * n + column] = *value;
                out.entries_mut()[column * n + row] = *value;
            }
        }
    }
    out
}

/// Integrals over all space of the functions of `a` times those of `b`, each under its operator: `E_000 (pi/p)^(3/2)`.
pub(in crate::molecule) fn moments(
    a: &PlacedShell,
    of_a: Operator,
    b: &PlacedShell,
    of_b: Operator,
) -> Vec<f64> {
    let mut block = vec![0.0; a.functions * b.functions];
    for product in products(a, b) {
        let [i, j] = product.primitives;
        let volume = (std::f64::consts::PI / product.exponent).powf(1.5);
        let factor = a.weights[i] * b.weights[j] * volume;
        expand((a, of_a), (b, of_b), &product, 0, factor, &mut block);
    }
    block
}

/// Nuclei in lanes.
#[derive(Debug)]
pub(in crate::molecule) struct Nuclei {
    groups: Vec<(Lane, [Lane; 3])>,
}

impl Nuclei {
    pub(in crate::molecule) fn new(molecule: &Molecule) -> Self {
        let group = |atoms: &[crate::molecule::geometry::Atom]| {
            let mut charges = Lane::ZERO;
            let mut at = [Lane::ZERO; 3];
            for (k, atom) in atoms.iter().enumerate() {
                charges.0[k] = atom.charge;
                (0..3).for_each(|axis| at[axis].0[k] = atom.position_bohr[axis]);
            }
            (charges, at)
        };
        Self { groups: molecule.atoms().chunks(LANES).map(group).collect() }
    }

    /// Integrals of Hermite Gaussians of exponent `p` about `centre` with the potential of the nuclei,
    /// `-sum_C Z_C (2 pi/p) R_tuv(p, P - C)`, up to a degree, into `out`.
    pub(in crate::molecule) fn potential(
        &self,
        p: f64,
        centre: [f64; 3],
        degree: usize,
        out: &mut [f64],
    ) {
        out.fill(0.0);
        self.each(p, centre, degree, |group, unit| {
            for (out, unit) in out.iter_mut().zip(unit) {
                *out += (self.groups[group].0 * *unit).sum();
            }
        });
    }

    /// The same of each nucleus for a charge of 1: calls `into(group, integrals)`, nucleus `LANES * group + k` in lane `k`.
    pub(in crate::molecule) fn each(
        &self,
        p: f64,
        centre: [f64; 3],
        degree: usize,
        mut into: impl FnMut(usize, &[Lane]),
    ) {
        let mut values = vec![Lane::ZERO; count(degree)];
        let scale = Lane::splat(-2.0 * std::f64::consts::PI / p);
        for (group, (_, at)) in self.groups.iter().enumerate() {
            let x = [0, 1, 2].map(|axis| Lane::splat(centre[axis]) - at[axis]);
            let (order, boys) = (Order::table(), Boys::table());
            repulsion(order, boys, degree, Lane::splat(p), scale, x, &mut values);
            into(group, &values);
        }
    }
}

//! Space shared out among atoms.
//!
//! Becke, J. Chem. Phys. 88, 2547 (1988), doi:10.1063/1.454033: the share of atom `A` at `r` is `P_A/sum_B P_B`, with
//! `P_A = prod_B s(mu_AB + a_AB (1 - mu_AB^2))`, `mu_AB = (r_A - r_B)/R_AB` and `s(x) = (1 - f(f(f(x))))/2`, `f(x) = (3x - x^3)/2`.
//! Sizes of atoms: Treutler & Ahlrichs, J. Chem. Phys. 102, 346 (1995), doi:10.1063/1.469408, by square roots of Bragg radii.

use pulp::Arch;

use crate::molecule::geometry::BOHR_ANGSTROM;
use crate::molecule::geometry::Molecule;
use crate::molecule::geometry::distance;

/// Radii by Slater, J. Chem. Phys. 41, 3199 (1964), doi:10.1063/1.1725697, in angstrom, from hydrogen to krypton; noble gases as
/// PySCF has them.
const BRAGG_ANGSTROM: [f64; 36] = [
    0.35, 1.40, // H, He
    1.45, 1.05, 0.85, 0.70, 0.65, 0.60, 0.50, 1.50, // Li to Ne
    1.80, 1.50, 1.25, 1.10, 1.00, 1.00, 1.00, 1.80, // Na to Ar
    2.20, 1.80, 1.60, 1.40, 1.35, 1.40, 1.40, 1.40, 1.35, 1.35, 1.35, 1.35, // K to Zn
    1.30, 1.25, 1.15, 1.15, 1.15, 1.90, // Ga to Kr
];
/// Beyond krypton all atoms are of one size.
const HEAVY_ANGSTROM: f64 = 1.75;

/// A share that is left out where it is smaller, for it does not change a sum of numbers near 1.
const NEGLIGIBLE: f64 = 1e-18;

/// The Bragg radius of an element, in bohr.
pub(super) fn bragg_radius_bohr(number: usize) -> f64 {
    BRAGG_ANGSTROM.get(number - 1).copied().unwrap_or(HEAVY_ANGSTROM) / BOHR_ANGSTROM
}

/// Distances and sizes of a molecule's atoms.
#[derive(Debug)]
pub(super) struct Partition {
    positions: Vec<[f64; 3]>,
    /// `1/R_AB`, row by row; 0 on the diagonal.
    inverse_distances: Vec<f64>,
    /// `a_AB = (1/chi - chi)/4`, `chi^2` the ratio of radii, within -1/2 ... 1/2: the larger atom has the larger cell.
    sizes: Vec<f64>,
}

/// The switch `f(f(f(x)))` at `x = mu + a (1 - mu^2)` and its derivative by `mu`.
#[inline]
fn switched(mu: f64, a: f64) -> [f64; 2] {
    let mut x = mu + a * (1.0 - mu * mu);
    let mut slope = 1.0 - 2.0 * a * mu;
    for _ in 0..3 {
        slope *= 1.5 * (1.0 - x * x);
        x = x * (1.5 - 0.5 * x * x);
    }
    [x, slope]
}

impl Partition {
    pub(super) fn new(molecule: &Molecule) -> Self {
        let atoms = molecule.atoms();
        let mut inverse_distances = Vec::with_capacity(atoms.len() * atoms.len());
        let mut sizes = Vec::with_capacity(atoms.len() * atoms.len());
        let root = |k: usize| bragg_radius_bohr(atoms[k].element.number()).sqrt();
        for (i, a) in atoms.iter().enumerate() {
            for (j, b) in atoms.iter().enumerate() {
                let far = distance(a.position_bohr, b.position_bohr);
                inverse_distances.push(if i == j { 0.0 } else { 1.0 / far });
                let ratio = root(i) / root(j);
                sizes.push((0.25 * (1.0 / ratio - ratio)).clamp(-0.5, 0.5));
            }
        }
        let positions = atoms.iter().map(|a| a.position_bohr).collect();
        Self { positions, inverse_distances, sizes }
    }

    pub(super) fn atoms(&self) -> usize {
        self.positions.len()
    }

    /// Distances of points from the atoms, a row an atom.
    fn distances(&self, points: &[[f64; 3]]) -> Vec<f64> {
        let from = |r: &[f64; 3]| {
            let r = *r;
            points.iter().map(move |p| distance(*p, r))
        };
        self.positions.iter().flat_map(from).collect()
    }

    /// Atoms whose cells come to points that belong to `atom`.
    fn near(&self, atom: usize, distances: &[f64], points: usize) -> Vec<usize> {
        let own = &distances[atom * points..][..points];
        let comes = |other: usize| {
            let pair = other * self.atoms() + atom;
            let far = &distances[other * points..][..points];
            other == atom
                || far.iter().zip(own).any(|(far, own)| {
                    let mu = (far - own) * self.inverse_distances[pair];
                    0.5 * (1.0 - switched(mu, self.sizes[pair])[0]) > NEGLIGIBLE
                })
        };
        (0..self.atoms()).filter(|other| comes(*other)).collect()
    }

    /// `P_A` of the atoms in `near`, a row each, and their sum in a last row.
    fn cells(&self, near: &[usize], distances: &[f64], points: usize) -> Vec<f64> {
        let mut cells = vec![1.0; (near.len() + 1) * points];
        let (rows, sum) = cells.split_at_mut(near.len() * points);
        sum.fill(0.0);
        for (row, i) in rows.chunks_exact_mut(points).zip(near) {
            let own = &distances[i * points..][..points];
            for j in (0..self.atoms()).filter(|j| j != i) {
                let pair = i * self.atoms() + j;
                let (inverse, size) = (self.inverse_distances[pair], self.sizes[pair]);
                let other = &distances[j * points..][..points];
                Arch::new().dispatch(|| {
                    for ((p, own), other) in row.iter_mut().zip(own).zip(other) {
                        *p *= 0.5 * (1.0 - switched((own - other) * inverse, size)[0]);
                    }
                });
            }
            sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += *p);
        }
        cells
    }

    /// The share of `atom` at points of its own quadrature.
    pub(super) fn shares(&self, atom: usize, points: &[[f64; 3]]) -> Vec<f64> {
        let distances = self.distances(points);
        let near = self.near(atom, &distances, points.len());
        let cells = self.cells(&near, &distances, points.len());
        let own = near.iter().position(|a| *a == atom).unwrap_or(0);
        let (own, sum) = (&cells[own * points.len()..], &cells[near.len() * points.len()..]);
        own.iter().zip(sum).map(|(p, sum)| p / sum).collect()
    }

    /// Adds `sum_g bar_g d share_g/dR_A` to `gradient`, where the points move with `atom`.
    pub(super) fn pullback(
        &self,
        atom: usize,
        points: &[[f64; 3]],
        bars: &[f64],
        gradient: &mut [[f64; 3]],
    ) {
        let n = points.len();
        let distances = self.distances(points);
        let near = self.near(atom, &distances, n);
        let cells = self.cells(&near, &distances, n);
        let own = near.iter().position(|a| *a == atom).unwrap_or(0);
        let sum = &cells[near.len() * n..];
        let share: Vec<f64> = cells[own * n..].iter().zip(sum).map(|(p, sum)| p / sum).collect();
        let mut by_distance = vec![0.0; self.atoms() * n];
        for (k, &i) in near.iter().enumerate() {
            // the cotangent of ln P_i
            let kronecker = if i == atom { 1.0 } else { 0.0 };
            let row = &cells[k * n..][..n];
            let by_cell: Vec<f64> =
                (0..n).map(|g| bars[g] * (kronecker - share[g]) * row[g] / sum[g]).collect();
            for j in (0..self.atoms()).filter(|j| *j != i) {
                let pair = i * self.atoms() + j;
                let (inverse, size) = (self.inverse_distances[pair], self.sizes[pair]);
                let mut by_pair = 0.0;
                for g in 0..n {
                    let mu = (distances[i * n + g] - distances[j * n + g]) * inverse;
                    let [f, slope] = switched(mu, size);
                    // where the cell ends, its logarithm's slope is a quotient of zeros that multiplies a zero
                    let by_mu = if f < 1.0 { -by_cell[g] * slope / (1.0 - f) } else { 0.0 };
                    by_distance[i * n + g] += by_mu * inverse;
                    by_distance[j * n + g] -= by_mu * inverse;
                    by_pair -= by_mu * mu * inverse;
                }
                let [a, b] = [self.positions[i], self.positions[j]];
                for x in 0..3 {
                    let along = by_pair * (a[x] - b[x]) * inverse;
                    gradient[i][x] += along;
                    gradient[j][x] -= along;
                }
            }
        }
        // a point is carried along by its own atom
        for (i, at) in self.positions.iter().enumerate().filter(|(i, _)| *i != atom) {
            for (g, point) in points.iter().enumerate() {
                let by = by_distance[i * n + g] / distances[i * n + g];
                for x in 0..3 {
                    let along = by * (point[x] - at[x]);
                    gradient[i][x] -= along;
                    gradient[atom][x] += along;
                }
            }
        }
    }
}

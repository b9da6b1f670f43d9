//! Second derivatives of the energy at fixed densities, apart from those where two pairs of functions move that repel each other.

use rayon::prelude::*;

use super::slopes::{Sums, pairs_of, slopes};
use crate::molecule::geometry::distance;
use crate::molecule::gradient::potential::MeanField;
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::lane::LANES;
use crate::molecule::integrals::one_electron::{Nuclei, moments};
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, expand};
use crate::molecule::integrals::repulsion::list::{PairList, ShellPair};
use crate::molecule::integrals::repulsion::quartet::{Kernel, Rows};
use crate::molecule::integrals::repulsion::store::{NEGLIGIBLE, PARTS};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;
use crate::molecule::scf::{FockBuilder, HartreeFock};

/// Second derivatives of `sum D_ab h_ab - sum W_ab S_ab` and of the repulsion of the nuclei, where the operators move or both functions do not.
pub(super) fn one_electron(core: &Core, density: &Matrix, energy_weighted: &Matrix) -> Sums {
    let mut sums = Sums::zeros(core.molecule.atoms().len());
    nuclear_repulsion(core, &mut sums);
    let shells = PlacedShell::all(&core.molecule, &core.basis);
    for i in 0..shells.len() {
        for j in 0..=i {
            kinetic_and_overlap(
                (&shells[i], &shells[j]),
                i == j,
                density,
                energy_weighted,
                &mut sums,
            );
        }
    }
    sums
}

/// `Z Z' / R` by two coordinates: `Z Z' (3 r_i r_j/R^5 - delta/R^3)` for the same nucleus, the negative for two.
fn nuclear_repulsion(core: &Core, sums: &mut Sums) {
    let atoms = core.molecule.atoms();
    for (k, a) in atoms.iter().enumerate() {
        for (m, b) in atoms.iter().enumerate().filter(|(m, _)| *m != k) {
            let r = distance(a.position_bohr, b.position_bohr);
            let arm = [0, 1, 2].map(|x| a.position_bohr[x] - b.position_bohr[x]);
            for i in 0..3 {
                for j in 0..3 {
                    let diagonal = if i == j { r.powi(-3) } else { 0.0 };
                    let value =
                        a.charge * b.charge * (3.0 * arm[i] * arm[j] * r.powi(-5) - diagonal);
                    sums.add([k, i], [k, j], value);
                    sums.add([k, i], [m, j], -value);
                }
            }
        }
    }
}

/// Operators that do not move: only the distance of the functions counts, so that `d/dB = -d/dA`.
fn kinetic_and_overlap(
    (a, b): (&PlacedShell, &PlacedShell),
    same: bool,
    density: &Matrix,
    energy_weighted: &Matrix,
    sums: &mut Sums,
) {
    if a.atom == b.atom {
        return;
    }
    let orders = if same { 1.0 } else { 2.0 };
    for i in 0..3 {
        for j in 0..=i {
            let twice = Operator::Centres([i, j]);
            let kinetic = moments(a, twice, b, Operator::Kinetic);
            let overlap = moments(a, twice, b, Operator::Identity);
            let mut value = 0.0;
            for (at, (t, s)) in kinetic.iter().zip(&overlap).enumerate() {
                let (row, column) = (a.start + at / b.functions, b.start + at % b.functions);
                value += t * density.at(row, column) - s * energy_weighted.at(row, column);
            }
            value *= orders;
            let (x, y) = (a.atom, b.atom);
            for [i, j] in if i == j { vec![[i, j]] } else { vec![[i, j], [j, i]] } {
                sums.add([x, i], [x, j], value);
                sums.add([y, i], [y, j], value);
                sums.add([x, i], [y, j], -value);
                sums.add([y, i], [x, j], -value);
            }
        }
    }
}

/// Adds the second derivatives of one pair of functions in the potential of nuclei, field and electrons, and those with the nuclei.
pub(super) fn add_repulsion(
    builder: &HartreeFock,
    total: &Matrix,
    densities: &[Matrix],
    sums: &mut Sums,
) {
    let (core, repulsion) = (builder.core(), builder.repulsion());
    let surroundings = Surroundings {
        core,
        list: repulsion.list(),
        nuclei: Nuclei::new(&core.molecule),
        total,
        mean_field: MeanField::new(repulsion, total, densities, 1.0),
    };
    let part = |part: usize| {
        let mut sums = Sums::zeros(core.molecule.atoms().len());
        let mut kernel = Kernel::new(NEGLIGIBLE * repulsion.cutoff());
        for bra in pairs_of(surroundings.list, part) {
            surroundings.add_pair(bra, &mut kernel, &mut sums);
        }
        sums
    };
    let parts: Vec<Sums> =
        (0..PARTS).into_par_iter().with_min_len(repulsion.parts_at_once()).map(part).collect();
    parts.iter().for_each(|part| sums.merge(part));
}

/// What all pairs see.
struct Surroundings<'a> {
    core: &'a Core,
    list: &'a PairList,
    nuclei: Nuclei,
    total: &'a Matrix,
    mean_field: MeanField<'a>,
}

impl Surroundings<'_> {
    fn add_pair(&self, bra: &ShellPair, kernel: &mut Kernel, sums: &mut Sums) {
        let rows = Rows::UpTo(bra.degree + 2);
        let repelled = self.mean_field.cotangents(bra, rows, kernel);
        for (product, mut x) in bra.products.iter().zip(repelled) {
            self.add_one_electron(bra, product, &mut x);
            self.add_second(bra, product, &x, sums);
            self.add_nuclei(bra, product, sums);
        }
    }

    /// Adds the potentials of nuclei and field to the cotangents of Hermite coefficients.
    fn add_one_electron(&self, bra: &ShellPair, product: &Product, x: &mut [f64]) {
        let mut potential = vec![0.0; x.len() / bra.size()];
        let degree = bra.degree + 2;
        self.nuclei.potential(product.exponent, product.centre, degree, &mut potential);
        let volume = (std::f64::consts::PI / product.exponent).powf(1.5);
        for (axis, strength) in self.core.electric_field.iter().enumerate() {
            let mut powers = [0; 3];
            powers[axis] = 1;
            potential[0] += strength * product.centre[axis] * volume;
            potential[Order::table().position(powers)] += strength * volume;
        }
        for (row, v) in x.chunks_mut(bra.size()).zip(&potential) {
            for (x, [a, b]) in row.iter_mut().zip(bra.each_product()) {
                *x += bra.orders() * v * self.total.at(a, b);
            }
        }
    }

    /// Adds `sum x_t,ab d2 E_t^ab` for both functions.
    fn add_second(&self, bra: &ShellPair, product: &Product, x: &[f64], sums: &mut Sums) {
        let [a, b] = bra.shells.map(|s| &self.list.shells[s]);
        let weight = a.weights[product.primitives[0]] * b.weights[product.primitives[1]];
        let mut room = vec![0.0; x.len()];
        let mut value = |of_a, of_b| {
            room.fill(0.0);
            expand((a, of_a), (b, of_b), product, bra.degree + 2, weight, &mut room);
            room.iter().zip(x).map(|(e, x)| e * x).sum::<f64>()
        };
        for i in 0..3 {
            for j in 0..3 {
                let both = value(Operator::Centre(i), Operator::Centre(j));
                sums.add_both([a.atom, i], [b.atom, j], both);
                if j > i {
                    continue;
                }
                let twice = Operator::Centres([i, j]);
                for (atom, value) in [
                    (a.atom, value(twice, Operator::Identity)),
                    (b.atom, value(Operator::Identity, twice)),
                ] {
                    sums.add([atom, i], [atom, j], value);
                    if i != j {
                        sums.add([atom, j], [atom, i], value);
                    }
                }
            }
        }
    }

    /// Adds the second derivatives of the attraction by the nuclei where a nucleus moves with a function, or alone.
    fn add_nuclei(&self, bra: &ShellPair, product: &Product, sums: &mut Sums) {
        let (size, order) = (bra.size(), Order::table());
        let [a, b] = bra.shells.map(|s| &self.list.shells[s]);
        let weight = a.weights[product.primitives[0]] * b.weights[product.primitives[1]];
        let density: Vec<f64> =
            bra.each_product().map(|[a, b]| bra.orders() * self.total.at(a, b)).collect();
        let contracted = |coefficients: &[f64]| -> Vec<f64> {
            let row = |row: &[f64]| row.iter().zip(&density).map(|(e, d)| e * d).sum();
            coefficients.chunks(size).map(row).collect()
        };
        let mut plain = vec![0.0; count(bra.degree) * size];
        let sides = ((a, Operator::Identity), (b, Operator::Identity));
        expand(sides.0, sides.1, product, bra.degree, weight, &mut plain);
        let plain = contracted(&plain);
        let slopes = slopes(&self.list.shells, bra, product).map(|slope| contracted(&slope));
        let atoms = self.core.molecule.atoms();
        let (p, centre, degree) = (product.exponent, product.centre, bra.degree + 2);
        self.nuclei.each(p, centre, degree, |group, values| {
            for (lane, atom) in (group * LANES..atoms.len()).take(LANES).enumerate() {
                let charge = atoms[atom].charge;
                let sum = |rho: &[f64], axes: &[usize]| {
                    let mut sum = 0.0;
                    for (powers, rho) in order.powers.iter().zip(rho) {
                        let mut raised = *powers;
                        axes.iter().for_each(|axis| raised[*axis] += 1);
                        sum += rho * values[order.position(raised)].0[lane];
                    }
                    charge * sum
                };
                for j in 0..3 {
                    for (k, slope) in slopes.iter().enumerate() {
                        let moved = if k < 3 { a.atom } else { b.atom };
                        sums.add_both([moved, k % 3], [atom, j], -sum(slope, &[j]));
                    }
                    for i in 0..3 {
                        sums.add([atom, i], [atom, j], sum(&plain, &[i, j]));
                    }
                }
            }
        });
    }
}

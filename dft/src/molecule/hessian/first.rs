//! First derivatives of matrices by the position of one nucleus, at fixed densities.

use pulp::Arch;
use rayon::prelude::*;

use super::kets::differentiated;
use super::slopes::{counts, pairs_of, slopes};
use crate::molecule::gradient::pair_density::{Contract, PairDensity};
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::lane::{LANES, Lane};
use crate::molecule::integrals::one_electron::{Nuclei, integrate, moments};
use crate::molecule::integrals::pair::{Operator, PlacedShell, expand, products};
use crate::molecule::integrals::repulsion::list::{Batch, PairList, ShellPair, charge_factor};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::integrals::repulsion::store::{
    NEGLIGIBLE, PARTS, Repulsion, digest, symmetrised,
};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;

const IDENTITY: Operator = Operator::Identity;

/// One-electron matrices, by the axis along which the nucleus moves.
pub(super) struct OneElectron {
    pub overlap: [Matrix; 3],
    /// Kinetic energy, nuclei and electric field, hartree/bohr.
    pub hamiltonian: [Matrix; 3],
    /// `<a|r|b>` about the origin, by component.
    pub dipole: [[Matrix; 3]; 3],
}

impl OneElectron {
    pub(super) fn new(core: &Core, atom: usize) -> Self {
        let by_axis = |block: &dyn Fn(usize, &PlacedShell, &PlacedShell) -> Vec<f64>| {
            [0, 1, 2].map(|axis| integrate(&core.molecule, &core.basis, |a, b| block(axis, a, b)))
        };
        // an operator that stands beside the derivative acts on the other function
        let beside = |axis: usize, operator: Operator, a: &PlacedShell, b: &PlacedShell| {
            let mut block = vec![0.0; a.functions * b.functions];
            let mut add = |found: Vec<f64>| block.iter_mut().zip(found).for_each(|(x, y)| *x += y);
            if a.atom == atom {
                add(moments(a, Operator::Centre(axis), b, operator));
            }
            if b.atom == atom {
                add(moments(a, operator, b, Operator::Centre(axis)));
            }
            block
        };
        let overlap = by_axis(&|axis, a, b| beside(axis, IDENTITY, a, b));
        let kinetic = by_axis(&|axis, a, b| beside(axis, Operator::Kinetic, a, b));
        let nuclei = Nuclei::new(&core.molecule);
        let attraction = by_axis(&|axis, a, b| attraction(core, &nuclei, atom, axis, (a, b)));
        let dipole: [[Matrix; 3]; 3] = [0, 1, 2].map(|component| {
            let mut powers = [0; 3];
            powers[component] = 1;
            by_axis(&|axis, a, b| {
                // r = B + (r - B) where a moves, A + (r - A) where b does
                let mut block = beside(axis, Operator::Moment(powers), a, b);
                let centre = Operator::Centre(axis);
                let mut add = |arm: f64, plain: Vec<f64>| {
                    block.iter_mut().zip(plain).for_each(|(x, y)| *x += arm * y);
                };
                if a.atom == atom {
                    add(b.centre[component], moments(a, centre, b, IDENTITY));
                }
                if b.atom == atom {
                    add(a.centre[component], moments(a, IDENTITY, b, centre));
                }
                block
            })
        });
        let hamiltonian = [0, 1, 2].map(|axis| {
            let mut sum = kinetic[axis].plus(1.0, &attraction[axis]);
            for (component, strength) in core.electric_field.iter().enumerate() {
                sum.add(*strength, &dipole[component][axis]);
            }
            sum
        });
        let dipole = [0, 1, 2].map(|axis| [0, 1, 2].map(|k| dipole[k][axis].clone()));
        Self { overlap, hamiltonian, dipole }
    }
}

/// `d/dR` of the attraction of the nuclei, where functions on the atom move and its nucleus does.
fn attraction(
    core: &Core,
    nuclei: &Nuclei,
    atom: usize,
    axis: usize,
    (a, b): (&PlacedShell, &PlacedShell),
) -> Vec<f64> {
    let (degree, size) = (a.l + b.l, a.functions * b.functions);
    let order = Order::table();
    let charge = core.molecule.atoms()[atom].charge;
    let mut block = vec![0.0; size];
    let mut potential = vec![0.0; count(degree + 1)];
    let mut expansion = vec![0.0; count(degree + 1) * size];
    for product in products(a, b) {
        let weight = a.weights[product.primitives[0]] * b.weights[product.primitives[1]];
        let mut add = |of_a, of_b, degree: usize, potential: &dyn Fn(usize) -> f64| {
            let expansion = &mut expansion[..count(degree) * size];
            expansion.fill(0.0);
            expand((a, of_a), (b, of_b), &product, degree, weight, expansion);
            for (t, row) in expansion.chunks(size).enumerate() {
                let v = potential(t);
                block.iter_mut().zip(row).for_each(|(x, e)| *x += v * e);
            }
        };
        nuclei.potential(product.exponent, product.centre, degree + 1, &mut potential);
        if a.atom == atom {
            add(Operator::Centre(axis), IDENTITY, degree + 1, &|t| potential[t]);
        }
        if b.atom == atom {
            add(IDENTITY, Operator::Centre(axis), degree + 1, &|t| potential[t]);
        }
        nuclei.each(product.exponent, product.centre, degree + 1, |group, values| {
            if group == atom / LANES {
                add(IDENTITY, IDENTITY, degree, &|t| {
                    let mut raised = order.powers[t];
                    raised[axis] += 1;
                    -charge * values[order.position(raised)].0[atom % LANES]
                });
            }
        });
    }
    block
}

/// The repulsion, where the functions of one atom move.
pub(super) struct TwoElectron {
    /// `G^y[P]` by axis and set of orbitals.
    pub fock: [Vec<Matrix>; 3],
    /// Second derivatives of the energy by all coordinates and the three of the atom, which move different pairs.
    pub mixed: Vec<f64>,
}

/// Coulomb and exchange matrices of one density, and their sums.
type Pair = [Vec<f64>; 2];

struct Work<'a> {
    list: &'a PairList,
    densities: &'a [Matrix],
    weights: PairDensity<'a>,
    kets: Vec<Batch>,
    cutoff: f64,
}

/// Sums of a part of the work.
struct Part {
    /// By axis and density.
    matrices: Vec<Pair>,
    mixed: Vec<f64>,
}

impl TwoElectron {
    pub(super) fn new(
        repulsion: &Repulsion,
        total: &Matrix,
        densities: &[Matrix],
        atom: usize,
    ) -> Self {
        let list = repulsion.list();
        let work = Work {
            list,
            densities,
            weights: PairDensity { total, densities, exact_exchange: 1.0 },
            kets: differentiated(list, atom),
            cutoff: repulsion.cutoff(),
        };
        let atoms = list.shells.iter().map(|s| s.atom + 1).max().unwrap_or(0);
        let parts: Vec<Part> = (0..PARTS)
            .into_par_iter()
            .with_min_len(repulsion.parts_at_once())
            .map(|part| work.part(part, atoms))
            .collect();
        let n = total.rows();
        let summed = |axis: usize, set: usize, which: usize| {
            let mut sum = vec![0.0; n * n];
            for part in &parts {
                let own = &part.matrices[axis * densities.len() + set][which];
                sum.iter_mut().zip(own).for_each(|(x, y)| *x += y);
            }
            symmetrised(n, &sum)
        };
        let spins = if densities.len() == 1 { 2.0 } else { 1.0 };
        let fock = [0, 1, 2].map(|axis| {
            let mut coulomb = Matrix::zeros(n, n);
            (0..densities.len()).for_each(|set| coulomb.add(spins, &summed(axis, set, 0)));
            (0..densities.len()).map(|set| coulomb.plus(-1.0, &summed(axis, set, 1))).collect()
        });
        let mut mixed = vec![0.0; 9 * atoms];
        for part in &parts {
            mixed.iter_mut().zip(&part.mixed).for_each(|(x, y)| *x += y);
        }
        Self { fock, mixed }
    }
}

impl Work<'_> {
    fn part(&self, part: usize, atoms: usize) -> Part {
        let n = self.densities[0].rows();
        let matrices = vec![[vec![0.0; n * n], vec![0.0; n * n]]; 3 * self.densities.len()];
        let mut sums = Part { matrices, mixed: vec![0.0; 9 * atoms] };
        let mut kernel = Kernel::new(NEGLIGIBLE * self.cutoff);
        for bra in pairs_of(self.list, part) {
            self.add_pair(bra, &mut kernel, &mut sums);
        }
        sums
    }

    /// Adds the integrals of a pair with all differentiated ones: to the matrices, and with the pair differentiated too to the energy.
    fn add_pair(&self, bra: &ShellPair, kernel: &mut Kernel, sums: &mut Part) {
        let degree = bra.degree + 1;
        let block = count(degree) * bra.size();
        let mut cotangents = vec![Lane::ZERO; bra.products.len() * 3 * block];
        let mut weights = Vec::new();
        for ket in &self.kets {
            if !counts(bra, ket, 1.0, self.cutoff) {
                continue;
            }
            let largest = self.weights.weights(self.list, bra, ket, &mut weights);
            let in_energy = counts(bra, ket, largest, self.cutoff);
            let (columns, size) = (ket.size, ket.size / 3);
            let integrals = kernel.run_with(bra, ket, degree, |at, half| {
                if !in_energy {
                    return;
                }
                let x = &mut cotangents[at * 3 * block..][..3 * block];
                for (axis, x) in x.chunks_mut(block).enumerate() {
                    let (first, weights) = (axis * size, &weights);
                    Arch::new().dispatch(Contract { half, columns, first, weights, size, x });
                }
            });
            self.add_matrices(bra, ket, integrals, &mut sums.matrices);
        }
        for (product, x) in bra.products.iter().zip(cotangents.chunks(3 * block)) {
            let factor = charge_factor(product.exponent);
            let slopes = slopes(&self.list.shells, bra, product);
            for (axis, x) in x.chunks(block).enumerate() {
                let x: Vec<f64> = x.iter().map(|x| factor * x.sum()).collect();
                for (k, slope) in slopes.iter().enumerate() {
                    let atom = self.list.shells[bra.shells[k / 3]].atom;
                    let value: f64 = slope.iter().zip(&x).map(|(e, x)| e * x).sum();
                    sums.mixed[(3 * atom + k % 3) * 3 + axis] += value;
                }
            }
        }
    }

    /// Adds `(ab|cd^y)` of a batch and their permutations to Coulomb and exchange matrices.
    fn add_matrices(
        &self,
        bra: &ShellPair,
        ket: &Batch,
        integrals: &[Lane],
        matrices: &mut [Pair],
    ) {
        let n = self.densities[0].rows();
        let (columns, size) = (ket.size, ket.size / 3);
        let mut block = Vec::with_capacity(bra.size() * size);
        for (lane, at) in ket.pairs.iter().enumerate().take(ket.filled) {
            let pair = &self.list.pairs[*at];
            for axis in 0..3 {
                block.clear();
                for row in integrals.chunks_exact(columns) {
                    block.extend(row[axis * size..][..size].iter().map(|x| x.0[lane]));
                }
                let share = bra.share() * pair.share();
                let first = axis * self.densities.len();
                let targets = &mut matrices[first..first + self.densities.len()];
                for (density, [j, k]) in self.densities.iter().zip(targets) {
                    digest(n, (bra, pair), share, &block, density.entries(), j, k);
                }
            }
        }
    }
}

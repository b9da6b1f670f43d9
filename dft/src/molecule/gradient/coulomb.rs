//! Overlap, kinetic energy, nuclei, electric field and the classical repulsion: everything that a density does as a whole.
//!
//! The repulsion takes the potential of the whole density at once: its Hermite Gaussians are summed over functions before they meet
//! others (the J engine of White & Head-Gordon, J. Chem. Phys. 104, 2620 (1996), doi:10.1063/1.470986).

use rayon::prelude::*;

use crate::molecule::gradient::Inputs;
use crate::molecule::gradient::pair_sums::PairSums;
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::lane::LANES;
use crate::molecule::integrals::one_electron::Nuclei;
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, expand};
use crate::molecule::integrals::repulsion::list::{Batch, ShellPair, charge_factor};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::integrals::repulsion::store::{NEGLIGIBLE, PARTS, Repulsion};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;

/// What all pairs see.
struct Surroundings<'a> {
    core: &'a Core,
    shells: &'a [PlacedShell],
    nuclei: Nuclei,
    kets: Vec<Batch>,
    density: &'a Matrix,
    energy_weighted: &'a Matrix,
    extra: usize,
}

/// Adds the derivatives of `sum D_ab h_ab + 1/2 sum D_ab D_cd (ab|cd) - sum W_ab S_ab`.
pub(in crate::molecule) fn add(
    core: &Core,
    repulsion: &Repulsion,
    density: &Matrix,
    energy_weighted: &Matrix,
    inputs: Inputs,
    sums: &mut PairSums,
) {
    let list = repulsion.list();
    let surroundings = Surroundings {
        core,
        shells: &list.shells,
        nuclei: Nuclei::new(&core.molecule),
        kets: list.batches.iter().map(|b| b.contracted(&list.pairs, density)).collect(),
        density,
        energy_weighted,
        extra: PairSums::extra_degree(inputs),
    };
    let part = |part: usize| {
        let mut sums = PairSums::new(&core.molecule, &core.basis, inputs);
        let mut kernel = Kernel::new(NEGLIGIBLE * repulsion.cutoff());
        for pair in list.pairs.iter().skip(part).step_by(PARTS) {
            for (product, size) in pair.products.iter().zip(&pair.sizes) {
                surroundings.add_product(pair, (product, *size), &mut kernel, &mut sums);
                surroundings.add_kinetic(pair, product, &mut sums);
            }
        }
        sums
    };
    let parts: Vec<PairSums> =
        (0..PARTS).into_par_iter().with_min_len(repulsion.parts_at_once()).map(part).collect();
    parts.iter().for_each(|part| sums.merge(part));
}

impl Surroundings<'_> {
    /// Cotangents of the Hermite coefficients of a product, and what follows from them.
    fn add_product(
        &self,
        pair: &ShellPair,
        (product, size): (&Product, f64),
        kernel: &mut Kernel,
        sums: &mut PairSums,
    ) {
        let degree = pair.degree + self.extra;
        let hermites = count(degree);
        let mut potential = vec![0.0; hermites];
        self.nuclei.potential(product.exponent, product.centre, degree, &mut potential);
        let factor = charge_factor(product.exponent);
        for ket in &self.kets {
            let values = kernel.potential(product, size, degree, ket);
            for (v, value) in potential.iter_mut().zip(values) {
                *v += factor * value.sum();
            }
        }
        let volume = (std::f64::consts::PI / product.exponent).powf(1.5);
        let field = self.core.electric_field;
        for axis in 0..3 {
            let mut powers = [0; 3];
            powers[axis] = 1;
            potential[0] += field[axis] * product.centre[axis] * volume;
            potential[Order::table().position(powers)] += field[axis] * volume;
        }
        let mut cotangents = Vec::with_capacity(hermites * pair.size());
        for (t, v) in potential.iter().enumerate() {
            cotangents.extend(pair.each_product().map(|[a, b]| {
                let overlap = if t == 0 { volume * self.energy_weighted.at(a, b) } else { 0.0 };
                pair.orders() * (v * self.density.at(a, b) - overlap)
            }));
        }
        sums.add_product(self.shells, pair.shells, product, &cotangents);
        self.add_nuclei(pair, product, sums);
    }

    /// The derivatives of the attraction by the nuclei themselves: the Hermite Gaussians of the density in the potential of each.
    fn add_nuclei(&self, pair: &ShellPair, product: &Product, sums: &mut PairSums) {
        let size = pair.size();
        let [a, b] = pair.shells.map(|s| &self.shells[s]);
        let weight = a.weights[product.primitives[0]] * b.weights[product.primitives[1]];
        let mut coefficients = vec![0.0; count(pair.degree) * size];
        let sides = ((a, Operator::Identity), (b, Operator::Identity));
        expand(sides.0, sides.1, product, pair.degree, weight * pair.orders(), &mut coefficients);
        let sum = |row: &[f64]| -> f64 {
            row.iter().zip(pair.each_product()).map(|(e, [a, b])| e * self.density.at(a, b)).sum()
        };
        let density: Vec<f64> = coefficients.chunks(size).map(sum).collect();
        let order = Order::table();
        let atoms = self.core.molecule.atoms();
        let (p, centre, degree) = (product.exponent, product.centre, pair.degree + 1);
        self.nuclei.each(p, centre, degree, |group, values| {
            for (lane, atom) in (group * LANES..atoms.len()).take(LANES).enumerate() {
                for (powers, rho) in order.powers.iter().zip(&density) {
                    sums.charges[atom] += rho * values[order.position(*powers)].0[lane];
                    for axis in 0..3 {
                        let mut raised = *powers;
                        raised[axis] += 1;
                        let slope = values[order.position(raised)].0[lane];
                        sums.positions[atom][axis] -= atoms[atom].charge * rho * slope;
                    }
                }
            }
        });
    }

    /// `sum D_ab <a|T|b>`: the operator stands with the function that is not differentiated.
    fn add_kinetic(&self, pair: &ShellPair, product: &Product, sums: &mut PairSums) {
        let [i, j] = pair.shells;
        let (a, b) = (&self.shells[i], &self.shells[j]);
        let [k, m] = product.primitives;
        let (w_a, w_b) = (a.weights[k], b.weights[m]);
        let volume = (std::f64::consts::PI / product.exponent).powf(1.5);
        let contracted = |of_a, of_b| {
            let mut block = vec![0.0; pair.size()];
            expand((a, of_a), (b, of_b), product, 0, volume * pair.orders(), &mut block);
            let values = block.iter().zip(pair.each_product());
            values.map(|(t, [a, b])| t * self.density.at(a, b)).sum::<f64>()
        };
        for axis in 0..3 {
            let slope = w_a * w_b * contracted(Operator::Centre(axis), Operator::Kinetic);
            sums.positions[a.atom][axis] += slope;
            sums.positions[b.atom][axis] -= slope;
        }
        if sums.with_basis {
            let plain = contracted(Operator::Identity, Operator::Kinetic);
            sums.weights[i][k] += w_b * plain;
            sums.weights[j][m] += w_a * plain;
            let by_a = contracted(Operator::SquaredDistance, Operator::Kinetic);
            let by_b = contracted(Operator::Kinetic, Operator::SquaredDistance);
            sums.exponents[i][k] -= w_a * w_b * by_a;
            sums.exponents[j][m] -= w_a * w_b * by_b;
        }
    }
}

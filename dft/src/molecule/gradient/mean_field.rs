//! One pass over the pairs of shells: overlap, kinetic energy, nuclei, electric field, and the repulsion of the electrons with exact exchange.

use rayon::prelude::*;

use crate::molecule::gradient::Inputs;
use crate::molecule::gradient::pair_sums::PairSums;
use crate::molecule::gradient::potential::MeanField;
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::lane::LANES;
use crate::molecule::integrals::one_electron::Nuclei;
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, ProductExpansion, expand};
use crate::molecule::integrals::repulsion::list::ShellPair;
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::integrals::repulsion::store::{NEGLIGIBLE, PARTS, Repulsion};
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::core::Core;

/// What all pairs see.
struct Surroundings<'a> {
    core: &'a Core,
    shells: &'a [PlacedShell],
    nuclei: Nuclei,
    mean_field: MeanField<'a>,
    density: &'a Matrix,
    energy_weighted: &'a Matrix,
    inputs: Inputs,
}

/// The densities that the energy is made of.
#[derive(Clone, Copy, Debug)]
pub(in crate::molecule) struct Densities<'a> {
    /// Of all electrons.
    pub total: &'a Matrix,
    /// Of one spin: of one of two equal spins, or of two.
    pub spins: &'a [Matrix],
    /// `W`, both spins.
    pub energy_weighted: &'a Matrix,
    /// The share of exact exchange.
    pub exact_exchange: f64,
}

/// Adds the derivatives of `sum D_ab h_ab + 1/2 sum D_ab D_cd (ab|cd) - factor/2 sum over spins, P_ac P_bd (ab|cd) - sum W_ab S_ab`.
///
/// Only the pair on the left of a repulsion is differentiated; each of two pairs stands there once.
pub(in crate::molecule) fn add(
    core: &Core,
    repulsion: &Repulsion,
    densities: Densities<'_>,
    inputs: Inputs,
    sums: &mut PairSums,
) {
    let Densities { total, spins, energy_weighted, exact_exchange } = densities;
    let list = repulsion.list();
    let surroundings = Surroundings {
        core,
        shells: &list.shells,
        nuclei: Nuclei::new(&core.molecule),
        mean_field: MeanField::new(repulsion, total, spins, exact_exchange),
        density: total,
        energy_weighted,
        inputs,
    };
    let part = |part: usize| {
        let mut sums = PairSums::new(&core.molecule, &core.basis, inputs);
        let mut kernel = Kernel::new(NEGLIGIBLE * repulsion.cutoff());
        for pair in list.pairs.iter().skip(part).step_by(PARTS) {
            let rows = PairSums::rows(inputs, pair.degree);
            let repelled = surroundings.mean_field.cotangents(pair, rows, &mut kernel);
            for (product, mut cotangents) in pair.products.iter().zip(repelled) {
                surroundings.add_potential(pair, product, &mut cotangents);
                sums.add_product(&list.shells, pair.shells, product, &cotangents);
                surroundings.add_nuclei(pair, product, &mut sums);
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
    /// Adds nuclei, field and overlap to the cotangents of the Hermite coefficients of a product.
    fn add_potential(&self, pair: &ShellPair, product: &Product, cotangents: &mut [f64]) {
        let mut potential = vec![0.0; cotangents.len() / pair.size()];
        let degree = pair.degree + PairSums::extra_degree(self.inputs);
        self.nuclei.potential(product.exponent, product.centre, degree, &mut potential);
        let volume = (std::f64::consts::PI / product.exponent).powf(1.5);
        let field = self.core.electric_field;
        for axis in 0..3 {
            let mut powers = [0; 3];
            powers[axis] = 1;
            potential[0] += field[axis] * product.centre[axis] * volume;
            potential[Order::table().position(powers)] += field[axis] * volume;
        }
        for (t, (row, v)) in cotangents.chunks_mut(pair.size()).zip(&potential).enumerate() {
            for (x, [a, b]) in row.iter_mut().zip(pair.each_product()) {
                let overlap = if t == 0 { volume * self.energy_weighted.at(a, b) } else { 0.0 };
                *x += pair.orders() * (v * self.density.at(a, b) - overlap);
            }
        }
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
        let expansion = ProductExpansion::new(a, b, product, [2, 2]);
        let mut block = vec![0.0; pair.size()];
        let mut contracted = |of_a, of_b| {
            block.fill(0.0);
            expansion.add(of_a, of_b, 0, volume * pair.orders(), &mut block);
            let values = block.iter().zip(pair.each_product());
            values.map(|(t, [a, b])| t * self.density.at(a, b)).sum::<f64>()
        };
        if a.atom != b.atom {
            for axis in 0..3 {
                let slope = w_a * w_b * contracted(Operator::Centre(axis), Operator::Kinetic);
                sums.positions[a.atom][axis] += slope;
                sums.positions[b.atom][axis] -= slope;
            }
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

//! Derivatives of an energy by two shells, from cotangents of the Hermite coefficients of their products.

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::gradient::Inputs;
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, ProductExpansion};
use crate::molecule::integrals::repulsion::quartet::Rows;

/// Derivatives that are being summed.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct PairSums {
    pub positions: Vec<[f64; 3]>,
    pub charges: Vec<f64>,
    pub electric_field: [f64; 3],
    /// By exponents, at fixed weights.
    pub exponents: Vec<Vec<f64>>,
    /// By weights of primitives, [`crate::molecule::Shell::weights`].
    pub weights: Vec<Vec<f64>>,
    pub with_basis: bool,
}

impl PairSums {
    pub(in crate::molecule) fn new(molecule: &Molecule, basis: &Basis, inputs: Inputs) -> Self {
        let atoms = molecule.atoms().len();
        let zeros: Vec<Vec<f64>> =
            basis.shells().iter().map(|shell| vec![0.0; shell.exponents.len()]).collect();
        Self {
            positions: vec![[0.0; 3]; atoms],
            charges: vec![0.0; atoms],
            electric_field: [0.0; 3],
            exponents: zeros.clone(),
            weights: zeros,
            with_basis: inputs == Inputs::MoleculeAndBasis,
        }
    }

    /// How much higher than that of the pair the degree of cotangents must be.
    pub(in crate::molecule) fn extra_degree(inputs: Inputs) -> usize {
        match inputs {
            Inputs::Molecule => 1,
            Inputs::MoleculeAndBasis => 2,
        }
    }

    /// The Hermite Gaussians of a pair of a degree that cotangents are for.
    pub(in crate::molecule) fn rows(inputs: Inputs, degree: usize) -> Rows {
        match inputs {
            Inputs::Molecule => Rows::UpTo(degree + 1),
            Inputs::MoleculeAndBasis => Rows::WithLaplacians(degree),
        }
    }

    /// Adds other sums.
    pub(in crate::molecule) fn merge(&mut self, other: &Self) {
        let add = |into: &mut [f64], from: &[f64]| {
            into.iter_mut().zip(from).for_each(|(x, y)| *x += y);
        };
        add(self.positions.as_flattened_mut(), other.positions.as_flattened());
        add(&mut self.charges, &other.charges);
        add(&mut self.electric_field, &other.electric_field);
        for (into, from) in self.exponents.iter_mut().zip(&other.exponents) {
            add(into, from);
        }
        for (into, from) in self.weights.iter_mut().zip(&other.weights) {
            add(into, from);
        }
    }

    /// Half of the difference to other sums.
    pub(in crate::molecule) fn half_difference(&mut self, other: &Self) {
        let each = |into: &mut [f64], from: &[f64]| {
            into.iter_mut().zip(from).for_each(|(x, y)| *x = 0.5 * (*x - y));
        };
        each(self.positions.as_flattened_mut(), other.positions.as_flattened());
        each(&mut self.charges, &other.charges);
        each(&mut self.electric_field, &other.electric_field);
        for (into, from) in self.exponents.iter_mut().zip(&other.exponents) {
            each(into, from);
        }
        for (into, from) in self.weights.iter_mut().zip(&other.weights) {
            each(into, from);
        }
    }

    /// Adds the derivatives of `sum_t,ab x_t,ab E_t^ab` by the two shells, where the cotangents `x` follow the centre of the product as
    /// integrals of Hermite Gaussians do: `dx_t/dP_k = x_(t + 1_k)`. They go up to the pair's degree and
    /// [`Self::extra_degree`], functions row-major as in [`ProductExpansion::add`].
    pub(in crate::molecule) fn add_product(
        &mut self,
        shells: &[PlacedShell],
        [i, j]: [usize; 2],
        product: &Product,
        x: &[f64],
    ) {
        let (a, b) = (&shells[i], &shells[j]);
        let (size, degree) = (a.functions * b.functions, a.l + b.l);
        let order = Order::table();
        let [k, m] = product.primitives;
        let (w_a, w_b) = (a.weights[k], b.weights[m]);
        let expansion = ProductExpansion::new(a, b, product, [2, 2]);
        let mut room = vec![0.0; count(degree + 2) * size];
        let mut value = |of_a, of_b, degree: usize| {
            let out = &mut room[..count(degree) * size];
            out.fill(0.0);
            expansion.add(of_a, of_b, degree, 1.0, out);
            dot(out, x)
        };
        // functions of the same atom move as a whole
        let apart = a.atom != b.atom;
        let firsts = apart
            .then(|| [0, 1, 2].map(|k| value(Operator::Centre(k), Operator::Identity, degree + 1)));
        let squared = self.with_basis.then(|| {
            [
                value(Operator::SquaredDistance, Operator::Identity, degree + 2),
                value(Operator::Identity, Operator::SquaredDistance, degree + 2),
            ]
        });
        let plain = value(Operator::Identity, Operator::Identity, degree);
        for axis in 0..3 {
            let mut shifted = 0.0;
            for (powers, e) in order.powers.iter().zip(room.chunks(size)).take(count(degree)) {
                let mut raised = *powers;
                raised[axis] += 1;
                shifted += dot(e, &x[order.position(raised) * size..]);
            }
            let first = firsts.map_or(0.0, |firsts| firsts[axis]);
            self.positions[a.atom][axis] += w_a * w_b * first;
            self.positions[b.atom][axis] += w_a * w_b * (shifted - first);
        }
        if let Some([first, second]) = squared {
            self.weights[i][k] += w_b * plain;
            self.weights[j][m] += w_a * plain;
            self.exponents[i][k] -= w_a * w_b * first;
            self.exponents[j][m] -= w_a * w_b * second;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

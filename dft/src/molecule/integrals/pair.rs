//! Pairs of shells as sums of Hermite Gaussians.

use crate::molecule::basis::Basis;
use crate::molecule::basis::harmonics::{Form, monomials};
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::hermite::{Expansion, Order, count};

/// Products of primitives with `exp(-a b/(a + b) R^2)` below `exp(-NEGLIGIBLE)` = 4e-18 are left out.
const NEGLIGIBLE: f64 = 40.0;

/// What is done to a function before it is multiplied with another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::molecule) enum Operator {
    /// Nothing.
    Identity,
    /// Derivative by a coordinate of its centre.
    Centre(usize),
    /// Second derivative by two coordinates of its centre.
    Centres([usize; 2]),
    /// `-1/2` of the Laplacian.
    Kinetic,
    /// Product with powers of `x`, `y`, `z` about its own centre.
    Moment([usize; 3]),
    /// Product with the square of the distance from its own centre.
    SquaredDistance,
}

impl Operator {
    /// By how much the degree of a monomial may grow.
    fn growth(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Centre(_) => 1,
            Self::Centres(_) | Self::Kinetic | Self::SquaredDistance => 2,
            Self::Moment(powers) => powers.iter().sum(),
        }
    }

    /// What becomes of `x^i y^j z^k exp(-a r^2)`, as monomials with factors before the same Gaussian.
    fn apply(self, powers: [usize; 3], a: f64, mut into: impl FnMut([usize; 3], f64)) {
        let shifted = |axis: usize, up: usize, down: usize| {
            let mut out = powers;
            out[axis] = out[axis] + up - down;
            out
        };
        match self {
            Self::Identity => into(powers, 1.0),
            Self::Moment(by) => into([0, 1, 2].map(|k| powers[k] + by[k]), 1.0),
            Self::SquaredDistance => (0..3).for_each(|axis| into(shifted(axis, 2, 0), 1.0)),
            Self::Centre(axis) => by_centre(axis, powers, a, into),
            Self::Centres([first, second]) => by_centre(first, powers, a, |powers, outer| {
                by_centre(second, powers, a, |powers, inner| into(powers, outer * inner));
            }),
            Self::Kinetic => {
                let degree = powers.iter().sum::<usize>() as f64;
                into(powers, a * (2.0 * degree + 3.0));
                for axis in 0..3 {
                    into(shifted(axis, 2, 0), -2.0 * a * a);
                    if powers[axis] > 1 {
                        let n = powers[axis] as f64;
                        into(shifted(axis, 0, 2), -0.5 * n * (n - 1.0));
                    }
                }
            }
        }
    }
}

/// `d/dA` of `x^i y^j z^k exp(-a r^2)` with `r` from `A`: `2 a x^(i+1) - i x^(i-1)` along `x`.
fn by_centre(axis: usize, powers: [usize; 3], a: f64, mut into: impl FnMut([usize; 3], f64)) {
    let mut raised = powers;
    raised[axis] += 1;
    into(raised, 2.0 * a);
    if powers[axis] > 0 {
        let mut lowered = powers;
        lowered[axis] -= 1;
        into(lowered, -(powers[axis] as f64));
    }
}

/// A shell at its place, with what a product of it needs.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct PlacedShell {
    pub atom: usize,
    pub l: usize,
    pub centre: [f64; 3],
    pub exponents: Vec<f64>,
    /// Of the primitives, normalisation included.
    pub weights: Vec<f64>,
    /// Index of its first function.
    pub start: usize,
    /// Number of functions.
    pub functions: usize,
    form: Form,
}

impl PlacedShell {
    /// The shells of a basis on a molecule.
    pub(in crate::molecule) fn all(molecule: &Molecule, basis: &Basis) -> Vec<Self> {
        let placed = |(index, shell): (usize, &crate::molecule::basis::Shell)| Self {
            atom: shell.atom,
            l: shell.l,
            centre: molecule.atoms()[shell.atom].position_bohr,
            exponents: shell.exponents.clone(),
            weights: shell.weights(),
            start: basis.functions(index).start,
            functions: basis.functions(index).len(),
            form: basis.form(),
        };
        basis.shells().iter().enumerate().map(placed).collect()
    }

    /// For each function, the monomials with their factors before the Gaussian of exponent `a` under an operator.
    fn terms(&self, operator: Operator, a: f64) -> Vec<Vec<([usize; 3], f64)>> {
        let monomials = monomials(self.l);
        let rows = self.form.rows(self.l);
        let of_row = |row: &[f64]| {
            let mut terms: Vec<([usize; 3], f64)> = Vec::new();
            for (powers, c) in monomials.iter().zip(row).filter(|(_, c)| **c != 0.0) {
                operator.apply(*powers, a, |powers, factor| {
                    match terms.iter_mut().find(|(known, _)| *known == powers) {
                        Some((_, sum)) => *sum += c * factor,
                        None => terms.push((powers, c * factor)),
                    }
                });
            }
            terms
        };
        rows.chunks(monomials.len()).map(of_row).collect()
    }
}

/// A product of two primitives.
#[derive(Clone, Copy, Debug)]
pub(in crate::molecule) struct Product {
    /// Positions of the primitives in their shells.
    pub primitives: [usize; 2],
    /// Sum of the exponents.
    pub exponent: f64,
    /// Centre of the product.
    pub centre: [f64; 3],
}

/// The products of the primitives of two shells that are not negligible.
pub(in crate::molecule) fn products(a: &PlacedShell, b: &PlacedShell) -> Vec<Product> {
    let square: f64 = (0..3).map(|k| (a.centre[k] - b.centre[k]).powi(2)).sum();
    let mut products = Vec::new();
    for (i, x) in a.exponents.iter().enumerate() {
        for (j, y) in b.exponents.iter().enumerate() {
            let exponent = x + y;
            if x * y / exponent * square <= NEGLIGIBLE {
                let centre = [0, 1, 2].map(|k| (x * a.centre[k] + y * b.centre[k]) / exponent);
                products.push(Product { primitives: [i, j], exponent, centre });
            }
        }
    }
    products
}

/// Hermite coefficients of the functions of `a` and `b` under operators, for one product of primitives without their weights: for each
/// Hermite Gaussian up to `degree` a matrix of functions of `a` by functions of `b`, row-major, added to `out` times `factor`.
pub(in crate::molecule) fn expand(
    (a, of_a): (&PlacedShell, Operator),
    (b, of_b): (&PlacedShell, Operator),
    product: &Product,
    degree: usize,
    factor: f64,
    out: &mut [f64],
) {
    let [i, j] = product.primitives;
    let (x, y) = (a.exponents[i], b.exponents[j]);
    let (i_max, j_max) = (a.l + of_a.growth(), b.l + of_b.growth());
    let axes: [Expansion; 3] =
        [0, 1, 2].map(|k| Expansion::new(i_max, j_max, x, y, a.centre[k] - b.centre[k]));
    let hermites = &Order::table().powers[..count(degree)];
    let size = a.functions * b.functions;
    let (terms_a, terms_b) = (a.terms(of_a, x), b.terms(of_b, y));
    for (row, terms_a) in terms_a.iter().enumerate() {
        for (column, terms_b) in terms_b.iter().enumerate() {
            let at = row * b.functions + column;
            for (m, c) in terms_a {
                for (n, d) in terms_b {
                    let [e_x, e_y, e_z] = [0, 1, 2].map(|k| axes[k].row(m[k], n[k]));
                    let scale = factor * c * d;
                    for (k, [t, u, v]) in hermites.iter().enumerate() {
                        if *t <= m[0] + n[0] && *u <= m[1] + n[1] && *v <= m[2] + n[2] {
                            out[k * size + at] += scale * e_x[*t] * e_y[*u] * e_z[*v];
                        }
                    }
                }
            }
        }
    }
}

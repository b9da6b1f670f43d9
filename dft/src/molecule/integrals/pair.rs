//! Pairs of shells as sums of Hermite Gaussians.

use std::borrow::Cow;

use crate::molecule::basis::Basis;
use crate::molecule::basis::harmonics::{Form, monomials};
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::hermite::{Expansion, Order};

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
    /// Its functions as monomials, without their Gaussian.
    terms: Vec<Term>,
}

/// A monomial `factor x^i y^j z^k` of a function of a shell.
#[derive(Clone, Copy, Debug)]
struct Term {
    function: usize,
    powers: [usize; 3],
    factor: f64,
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
            terms: terms(basis.form(), shell.l),
        };
        basis.shells().iter().enumerate().map(placed).collect()
    }

    /// The monomials of its functions before the Gaussian of exponent `a` under an operator.
    fn terms(&self, operator: Operator, a: f64) -> Cow<'_, [Term]> {
        if operator == Operator::Identity {
            return Cow::Borrowed(&self.terms);
        }
        let mut terms: Vec<Term> = Vec::with_capacity(4 * self.terms.len());
        let mut first = 0; // of the function that is being made
        for term in &self.terms {
            if terms.last().is_some_and(|last| last.function != term.function) {
                first = terms.len();
            }
            operator.apply(term.powers, a, |powers, factor| {
                match terms[first..].iter_mut().find(|known| known.powers == powers) {
                    Some(known) => known.factor += term.factor * factor,
                    None => terms.push(Term { powers, factor: term.factor * factor, ..*term }),
                }
            });
        }
        Cow::Owned(terms)
    }
}

/// The functions of a shell as monomials, function by function.
fn terms(form: Form, l: usize) -> Vec<Term> {
    let monomials = monomials(l);
    let of_function = |(function, row): (usize, &[f64])| -> Vec<Term> {
        let nonzero = monomials.iter().zip(row).filter(|(_, factor)| **factor != 0.0);
        nonzero
            .map(|(powers, factor)| Term { function, powers: *powers, factor: *factor })
            .collect()
    };
    form.rows(l).chunks(monomials.len()).enumerate().flat_map(of_function).collect()
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
    let growth = [of_a.growth(), of_b.growth()];
    ProductExpansion::new(a, b, product, growth).add(of_a, of_b, degree, factor, out);
}

/// What the Hermite coefficients of one product of primitives are made of, whatever is done to the functions.
#[derive(Debug)]
pub(in crate::molecule) struct ProductExpansion<'a> {
    shells: [&'a PlacedShell; 2],
    exponents: [f64; 2],
    /// Of powers of one coordinate.
    axes: [Expansion; 3],
}

impl<'a> ProductExpansion<'a> {
    /// For operators that raise the degree of the functions of `a` and `b` by no more than `growth`.
    pub(in crate::molecule) fn new(
        a: &'a PlacedShell,
        b: &'a PlacedShell,
        product: &Product,
        growth: [usize; 2],
    ) -> Self {
        let [i, j] = product.primitives;
        let (x, y) = (a.exponents[i], b.exponents[j]);
        let (i_max, j_max) = (a.l + growth[0], b.l + growth[1]);
        let axes = [0, 1, 2].map(|k| Expansion::new(i_max, j_max, x, y, a.centre[k] - b.centre[k]));
        Self { shells: [a, b], exponents: [x, y], axes }
    }

    /// Adds the coefficients under two operators, as [`expand`] does.
    pub(in crate::molecule) fn add(
        &self,
        of_a: Operator,
        of_b: Operator,
        degree: usize,
        factor: f64,
        out: &mut [f64],
    ) {
        let [a, b] = self.shells;
        let order = Order::table();
        let size = a.functions * b.functions;
        let terms_b = b.terms(of_b, self.exponents[1]);
        for m in a.terms(of_a, self.exponents[0]).iter() {
            for n in terms_b.iter() {
                let pair = m.function * b.functions + n.function;
                // a product of powers i and j has Hermite Gaussians up to i + j
                let [e_x, e_y, e_z] = [0, 1, 2].map(|k| {
                    &self.axes[k].row(m.powers[k], n.powers[k])[..=m.powers[k] + n.powers[k]]
                });
                let scale = factor * m.factor * n.factor;
                for (t, e_x) in e_x.iter().enumerate().take(degree + 1) {
                    for (u, e_y) in e_y.iter().enumerate().take(degree + 1 - t) {
                        let both = scale * e_x * e_y;
                        for (v, e_z) in e_z.iter().enumerate().take(degree + 1 - t - u) {
                            out[order.position([t, u, v]) * size + pair] += both * e_z;
                        }
                    }
                }
            }
        }
    }
}

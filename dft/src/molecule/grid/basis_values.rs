//! Values and derivatives of basis functions at the points of a block.

use std::ops::Range;

use pulp::Arch;

use crate::exponential::exp;
use crate::molecule::basis::Basis;
use crate::molecule::basis::harmonics::monomials;
use crate::molecule::geometry::Molecule;

/// Values below this, in bohr^(-3/2), are left out.
const NEGLIGIBLE: f64 = 1e-12;

/// How many derivatives of basis functions are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::molecule) enum Derivatives {
    /// Values.
    None,
    /// Values, `d/dx, d/dy, d/dz`.
    First,
    /// The same, `xx, xy, xz, yy, yz, zz`.
    Second,
}

/// Where the second derivative by two coordinates stands.
pub(in crate::molecule) const SECOND: [[usize; 3]; 3] = [[4, 5, 6], [5, 7, 8], [6, 8, 9]];

impl Derivatives {
    fn count(self) -> usize {
        match self {
            Self::None => 1,
            Self::First => 4,
            Self::Second => 10,
        }
    }
}

/// `c x^a y^b z^c`.
pub(super) type Term = (f64, [usize; 3]);

/// An angular function with its derivatives, in the order of [`Derivatives`].
pub(super) type Angular = [Vec<Term>; 10];

#[derive(Debug)]
pub(super) struct ShellOnGrid {
    pub(super) centre: [f64; 3],
    pub(super) l: usize,
    pub(super) exponents: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// Beyond this distance it is negligible.
    extent: f64,
    functions: Range<usize>,
    atom: usize,
}

/// A basis, ready to be evaluated.
#[derive(Debug)]
pub(in crate::molecule) struct BasisOnGrid {
    shells: Vec<ShellOnGrid>,
    /// By angular momentum.
    angular: Vec<Vec<Angular>>,
    functions: usize,
}

/// Basis functions that are not negligible in a block.
#[derive(Debug, Default)]
pub(in crate::molecule) struct Active {
    /// Numbers in the basis.
    pub(in crate::molecule) functions: Vec<usize>,
    /// The atoms they stand on.
    pub(in crate::molecule) atoms: Vec<usize>,
    shells: Vec<usize>,
}

/// Values of the active functions: for each derivative a matrix of points by functions, column by column.
#[derive(Debug)]
pub(in crate::molecule) struct Values {
    pub(in crate::molecule) points: usize,
    pub(in crate::molecule) functions: usize,
    derivatives: Vec<Vec<f64>>,
}

impl Active {
    pub(super) fn shells(&self) -> &[usize] {
        &self.shells
    }
}

impl Values {
    /// The matrix of a derivative, column by column.
    pub(in crate::molecule) fn of(&self, derivative: usize) -> &[f64] {
        &self.derivatives[derivative]
    }
}

/// `d/dx_axis` of a polynomial.
fn derived(terms: &[Term], axis: usize) -> Vec<Term> {
    let lower = |(c, powers): &Term| {
        let mut powers = *powers;
        let factor = powers[axis];
        (factor > 0).then(|| {
            powers[axis] -= 1;
            (c * factor as f64, powers)
        })
    };
    terms.iter().filter_map(lower).collect()
}

fn angular_functions(basis: &Basis, l: usize) -> Vec<Angular> {
    let monomials = monomials(l);
    let function = |row: &[f64]| -> Angular {
        let terms = row.iter().zip(&monomials).filter(|(c, _)| **c != 0.0);
        let value: Vec<Term> = terms.map(|(c, powers)| (*c, *powers)).collect();
        let first = [0, 1, 2].map(|axis| derived(&value, axis));
        let second =
            [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].map(|(a, b)| derived(&first[a], b));
        let mut all = [value].into_iter().chain(first).chain(second);
        std::array::from_fn(|_| all.next().unwrap_or_default())
    };
    basis.form().rows(l).chunks_exact(monomials.len()).map(function).collect()
}

impl ShellOnGrid {
    /// A bound of value and slope at distances of `r` and more: `sum_k |w_k| max r^l (1 + 2 a_k r) exp(-a_k r^2)`.
    fn bound(&self, r: f64) -> f64 {
        let l = self.l as f64;
        let each = |(a, w): (&f64, &f64)| {
            // where r^(l + 1) exp(-a r^2) is largest, if that is farther out
            let at = r.max(((l + 1.0) / (2.0 * a)).sqrt());
            w.abs() * at.powf(l) * (1.0 + 2.0 * a * at) * (-a * at * at).exp()
        };
        self.exponents.iter().zip(&self.weights).map(each).sum()
    }

    /// Where the bound falls below what is negligible.
    fn find_extent(&self) -> f64 {
        let [mut near, mut far] = [0.0, 1.0];
        while self.bound(far) > NEGLIGIBLE && far < 1e6 {
            far *= 2.0;
        }
        for _ in 0..40 {
            let middle = 0.5 * (near + far);
            if self.bound(middle) > NEGLIGIBLE { near = middle } else { far = middle }
        }
        far
    }
}

impl BasisOnGrid {
    pub(in crate::molecule) fn new(molecule: &Molecule, basis: &Basis) -> Self {
        let highest = basis.shells().iter().map(|s| s.l).max().unwrap_or(0);
        let place = |(k, shell): (usize, &crate::molecule::basis::Shell)| {
            let mut placed = ShellOnGrid {
                centre: molecule.atoms()[shell.atom].position_bohr,
                l: shell.l,
                exponents: shell.exponents.clone(),
                weights: shell.weights(),
                extent: 0.0,
                functions: basis.functions(k),
                atom: shell.atom,
            };
            placed.extent = placed.find_extent();
            placed
        };
        Self {
            shells: basis.shells().iter().enumerate().map(place).collect(),
            angular: (0..=highest).map(|l| angular_functions(basis, l)).collect(),
            functions: basis.len(),
        }
    }

    /// Number of functions of the basis.
    pub(in crate::molecule) fn functions(&self) -> usize {
        self.functions
    }

    pub(super) fn shells(&self) -> &[ShellOnGrid] {
        &self.shells
    }

    pub(super) fn angular(&self, l: usize) -> &[Angular] {
        &self.angular[l]
    }

    /// What is not negligible in the box of these points.
    pub(in crate::molecule) fn active(&self, points: &[[f64; 3]]) -> Active {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for point in points {
            for x in 0..3 {
                low[x] = low[x].min(point[x]);
                high[x] = high[x].max(point[x]);
            }
        }
        let mut active = Active::default();
        for (k, shell) in self.shells.iter().enumerate() {
            let outside = |x: usize| (low[x] - shell.centre[x]).max(shell.centre[x] - high[x]);
            let square: f64 = (0..3).map(|x| outside(x).max(0.0).powi(2)).sum();
            if square < shell.extent * shell.extent {
                active.shells.push(k);
                active.functions.extend(shell.functions.clone());
                active.atoms.extend(shell.functions.clone().map(|_| shell.atom));
            }
        }
        active
    }

    /// The active functions at the points.
    pub(in crate::molecule) fn values(
        &self,
        active: &Active,
        points: &[[f64; 3]],
        wanted: Derivatives,
    ) -> Values {
        let n = points.len();
        let functions = active.functions.len();
        let mut derivatives = vec![vec![0.0; n * functions]; wanted.count()];
        let mut workspace = Workspace::new(n);
        let mut column = 0;
        for shell in active.shells.iter().map(|k| &self.shells[*k]) {
            workspace.place(points, shell.centre);
            workspace.radial(shell, wanted);
            for angular in &self.angular[shell.l] {
                let range = column * n..(column + 1) * n;
                workspace.function(angular, wanted, &mut derivatives, &range);
                column += 1;
            }
        }
        Values { points: n, functions, derivatives }
    }
}

/// Numbers of all points of a block, for one shell.
pub(super) struct Workspace {
    centre: Option<[f64; 3]>,
    /// Coordinates about the centre, and the distance squared.
    x: [Vec<f64>; 3],
    square: Vec<f64>,
    /// The radial factor and its first and second derivative by the distance squared.
    radial: [Vec<f64>; 3],
    /// The angular function with its derivatives.
    angular: [Vec<f64>; 10],
}

impl Workspace {
    pub(super) fn new(n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self {
            centre: None,
            x: std::array::from_fn(|_| zeros()),
            square: zeros(),
            radial: std::array::from_fn(|_| zeros()),
            angular: std::array::from_fn(|_| zeros()),
        }
    }

    pub(super) fn place(&mut self, points: &[[f64; 3]], centre: [f64; 3]) {
        if self.centre == Some(centre) {
            return;
        }
        self.centre = Some(centre);
        for (axis, x) in self.x.iter_mut().enumerate() {
            for (x, point) in x.iter_mut().zip(points) {
                *x = point[axis] - centre[axis];
            }
        }
        let [x, y, z] = &self.x;
        for (((square, x), y), z) in self.square.iter_mut().zip(x).zip(y).zip(z) {
            *square = x * x + y * y + z * z;
        }
    }

    /// `R = sum w exp(-a r^2)` and `d^k R/d(r^2)^k = sum w (-a)^k exp(-a r^2)`.
    fn radial(&mut self, shell: &ShellOnGrid, wanted: Derivatives) {
        let [r0, r1, r2] = &mut self.radial;
        let square = &self.square;
        [&mut *r0, r1, r2].into_iter().for_each(|r| r.fill(0.0));
        for (&a, &w) in shell.exponents.iter().zip(&shell.weights) {
            let (wa, waa) = (-w * a, w * a * a);
            Arch::new().dispatch(|| match wanted {
                Derivatives::None => {
                    for (r0, s) in r0.iter_mut().zip(square) {
                        *r0 += w * exp(-a * s);
                    }
                }
                Derivatives::First => {
                    for ((r0, r1), s) in r0.iter_mut().zip(r1.iter_mut()).zip(square) {
                        let e = exp(-a * s);
                        *r0 += w * e;
                        *r1 += wa * e;
                    }
                }
                Derivatives::Second => {
                    let rows = r0.iter_mut().zip(r1.iter_mut()).zip(r2.iter_mut());
                    for (((r0, r1), r2), s) in rows.zip(square) {
                        let e = exp(-a * s);
                        *r0 += w * e;
                        *r1 += wa * e;
                        *r2 += waa * e;
                    }
                }
            });
        }
    }

    /// The angular function `S` with its derivatives.
    pub(super) fn polynomials(&mut self, angular: &Angular, wanted: Derivatives) {
        for (terms, values) in angular[..wanted.count()].iter().zip(&mut self.angular) {
            polynomial(terms, &self.x, values);
        }
    }

    pub(super) fn angular(&self) -> &[Vec<f64>; 10] {
        &self.angular
    }

    pub(super) fn coordinates(&self) -> &[Vec<f64>; 3] {
        &self.x
    }

    pub(super) fn square(&self) -> &[f64] {
        &self.square
    }

    /// One function `S R` with its derivatives: `S_i R + 2 x_i S R'`, and
    /// `S_ij R + 2 (x_i S_j + x_j S_i + delta_ij S) R' + 4 x_i x_j S R''`.
    fn function(
        &mut self,
        angular: &Angular,
        wanted: Derivatives,
        derivatives: &mut [Vec<f64>],
        column: &Range<usize>,
    ) {
        self.polynomials(angular, wanted);
        let Self { x, radial: [r0, r1, r2], angular: s, .. } = self;
        let n = r0.len();
        Arch::new().dispatch(|| {
            let out = &mut derivatives[0][column.clone()];
            for g in 0..n {
                out[g] = s[0][g] * r0[g];
            }
            if wanted == Derivatives::None {
                return;
            }
            for i in 0..3 {
                let (out, x, si) = (&mut derivatives[1 + i][column.clone()], &x[i], &s[1 + i]);
                for g in 0..n {
                    out[g] = si[g] * r0[g] + 2.0 * x[g] * s[0][g] * r1[g];
                }
            }
            if wanted == Derivatives::First {
                return;
            }
            for i in 0..3 {
                for j in i..3 {
                    let out = &mut derivatives[SECOND[i][j]][column.clone()];
                    let (xi, xj, si, sj) = (&x[i], &x[j], &s[1 + i], &s[1 + j]);
                    let sij = &s[SECOND[i][j]];
                    let same = if i == j { 1.0 } else { 0.0 };
                    for g in 0..n {
                        let mixed = xi[g] * sj[g] + xj[g] * si[g] + same * s[0][g];
                        out[g] = sij[g] * r0[g]
                            + 2.0 * mixed * r1[g]
                            + 4.0 * xi[g] * xj[g] * s[0][g] * r2[g];
                    }
                }
            }
        });
    }
}

/// The value of a polynomial at all points.
fn polynomial(terms: &[Term], x: &[Vec<f64>; 3], values: &mut [f64]) {
    values.fill(0.0);
    let n = values.len();
    for (c, powers) in terms {
        let mut factors = [None; 3];
        let mut count = 0;
        for axis in 0..3 {
            for _ in 0..powers[axis] {
                factors[count] = Some(&x[axis][..n]);
                count += 1;
            }
        }
        match factors {
            [None, ..] => values.iter_mut().for_each(|v| *v += c),
            [Some(a), None, _] => (0..n).for_each(|g| values[g] += c * a[g]),
            [Some(a), Some(b), None] => (0..n).for_each(|g| values[g] += c * a[g] * b[g]),
            [Some(a), Some(b), Some(d)] => {
                (0..n).for_each(|g| values[g] += c * a[g] * b[g] * d[g]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BasisOnGrid, Derivatives, SECOND};
    use crate::molecule::basis::harmonics::Form;
    use crate::molecule::basis::{Basis, Shell};
    use crate::molecule::geometry::element::Element;
    use crate::molecule::geometry::{Atom, Molecule};

    fn example(form: Form) -> BasisOnGrid {
        let hydrogen = Element::of_number(1).unwrap();
        let atoms = [[0.1, -0.2, 0.3], [1.2, 0.4, -0.5]].map(|r| Atom::new(hydrogen, r));
        let molecule = Molecule::new(atoms.to_vec(), 0, 1).unwrap();
        let shell = |atom: usize, l: usize| Shell {
            atom,
            l,
            exponents: vec![3.1, 0.4],
            coefficients: vec![0.3, 0.8],
        };
        let shells = (0..4).map(|l| shell(l % 2, l)).collect();
        BasisOnGrid::new(&molecule, &Basis::from_shells(shells, form).unwrap())
    }

    #[test]
    fn derivatives_of_basis_functions_are_those_of_their_values() {
        let at = [0.7, -0.4, 0.9];
        let h = 1e-4;
        for form in [Form::Spherical, Form::Cartesian] {
            let basis = example(form);
            let points: Vec<[f64; 3]> = (0..7)
                .map(|k| {
                    let mut p = at;
                    if k > 0 {
                        p[(k - 1) / 2] += if k % 2 == 1 { h } else { -h };
                    }
                    p
                })
                .collect();
            let active = basis.active(&points);
            assert_eq!(active.functions.len(), basis.functions());
            let values = basis.values(&active, &points, Derivatives::Second);
            for f in 0..values.functions {
                let value = |derivative: usize, k: usize| values.of(derivative)[f * 7 + k];
                for i in 0..3 {
                    let slope = |derivative: usize| {
                        (value(derivative, 2 * i + 1) - value(derivative, 2 * i + 2)) / (2.0 * h)
                    };
                    assert!((slope(0) - value(1 + i, 0)).abs() < 1e-7, "{f} {i}");
                    for j in 0..3 {
                        let second = value(SECOND[i][j], 0);
                        assert!((slope(1 + j) - second).abs() < 1e-7, "{f} {i} {j}");
                    }
                }
            }
        }
    }
}

//! Real solid harmonics as polynomials in `x`, `y`, `z`.
//!
//! Helgaker, Jorgensen & Olsen, *Molecular Electronic-Structure Theory* (2000), eqs. 6.4.70-6.4.72. They are normalised as Racah's,
//! `sum_m S_lm^2 = r^(2l)`: `S_1` is `x, y, z`, `S_2` is `sqrt3 xy, sqrt3 yz, z^2 - (x^2 + y^2)/2, sqrt3 xz, sqrt3/2 (x^2 - y^2)`.

/// The highest angular momentum of a basis function: f functions.
pub const MAX_ANGULAR_MOMENTUM: usize = 3;

/// Which angular functions a shell has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The `2l + 1` real solid harmonics, `m = -l, ..., l`; p functions stand as `x, y, z`.
    #[default]
    Spherical,
    /// The `(l + 1)(l + 2)/2` monomials in the order of [`monomials`], each normalised.
    Cartesian,
}

impl Form {
    /// Number of functions of a shell of angular momentum `l`.
    pub fn count(self, l: usize) -> usize {
        match self {
            Self::Spherical => 2 * l + 1,
            Self::Cartesian => (l + 1) * (l + 2) / 2,
        }
    }

    /// The angular functions of a shell as rows over [`monomials`] of degree `l`, row-major, `count(l)` by `(l+1)(l+2)/2`.
    ///
    /// With the radial factor of [`super::Shell::weights`] each function has norm 1.
    pub fn rows(self, l: usize) -> Vec<f64> {
        match self {
            Self::Spherical => solid_harmonics(l),
            Self::Cartesian => {
                let monomials = monomials(l);
                let mut rows = vec![0.0; monomials.len() * monomials.len()];
                for (k, powers) in monomials.iter().enumerate() {
                    let own: f64 = powers.iter().map(|p| odd_factorial(*p)).product();
                    rows[k * monomials.len() + k] = (odd_factorial(l) / own).sqrt();
                }
                rows
            }
        }
    }
}

/// `(2 n - 1)!! = 1 * 3 * ... * (2 n - 1)`.
fn odd_factorial(n: usize) -> f64 {
    (1..=n).map(|k| (2 * k - 1) as f64).product()
}

/// Powers of `x`, `y`, `z` of degree `l`: `x^l` first, then with falling powers of `x`, and of `y` among equal ones.
pub fn monomials(l: usize) -> Vec<[usize; 3]> {
    let mut all = Vec::with_capacity((l + 1) * (l + 2) / 2);
    for x in (0..=l).rev() {
        for y in (0..=l - x).rev() {
            all.push([x, y, l - x - y]);
        }
    }
    all
}

/// A homogeneous polynomial: coefficients over [`monomials`] of its degree.
#[derive(Clone)]
struct Polynomial {
    degree: usize,
    coefficients: Vec<f64>,
}

impl Polynomial {
    fn zero(degree: usize) -> Self {
        Self { degree, coefficients: vec![0.0; (degree + 1) * (degree + 2) / 2] }
    }

    /// `self += factor * x_axis^power * other`.
    fn add_product(&mut self, factor: f64, axis: usize, power: usize, other: &Self) {
        let own = monomials(self.degree);
        for (powers, c) in monomials(other.degree).into_iter().zip(&other.coefficients) {
            let mut raised = powers;
            raised[axis] += power;
            let at = own.iter().position(|m| *m == raised).expect("the degrees fit");
            self.coefficients[at] += factor * c;
        }
    }
}

/// `S_{l,m}` for `m = -l, ..., l` (`x, y, z` for `l = 1`), rows over [`monomials`].
fn solid_harmonics(l: usize) -> Vec<f64> {
    let mut previous: Vec<Polynomial> = Vec::new();
    let mut current = vec![Polynomial { degree: 0, coefficients: vec![1.0] }];
    for degree in 0..l {
        let next = raise(degree, &previous, &current);
        previous = std::mem::replace(&mut current, next);
    }
    if l == 1 {
        current.rotate_right(1); // y, z, x becomes x, y, z
    }
    current.into_iter().flat_map(|p| p.coefficients).collect()
}

/// The harmonics of `l + 1` from those of `l` and `l - 1`.
fn raise(l: usize, lower: &[Polynomial], harmonics: &[Polynomial]) -> Vec<Polynomial> {
    let level = l as f64;
    let (first, last) = (&harmonics[0], &harmonics[2 * l]); // m = -l and m = l
    let twice = if l == 0 { 2.0 } else { 1.0 };
    let edge = (twice * (2.0 * level + 1.0) / (2.0 * level + 2.0)).sqrt();
    let mut all = vec![Polynomial::zero(l + 1); 2 * l + 3];
    all[0].add_product(edge, 1, 1, last);
    all[2 * l + 2].add_product(edge, 0, 1, last);
    if l > 0 {
        all[0].add_product(edge, 0, 1, first);
        all[2 * l + 2].add_product(-edge, 1, 1, first);
    }
    for (index, harmonic) in harmonics.iter().enumerate() {
        let m = index as f64 - level;
        let scale = 1.0 / ((level + m + 1.0) * (level - m + 1.0)).sqrt();
        let raised = &mut all[index + 1];
        raised.add_product((2.0 * level + 1.0) * scale, 2, 1, harmonic);
        if index >= 1 && index < 2 * l {
            let factor = -((level + m) * (level - m)).sqrt() * scale;
            for axis in 0..3 {
                raised.add_product(factor, axis, 2, &lower[index - 1]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_the_harmonics_add_to_a_power_of_the_radius() {
        let at = [0.3_f64, -0.7, 0.45];
        let square: f64 = at.iter().map(|x| x * x).sum();
        for l in 0..=MAX_ANGULAR_MOMENTUM + 1 {
            let monomials = monomials(l);
            let value = |row: &[f64]| -> f64 {
                let term = |powers: &[usize; 3]| -> f64 {
                    (0..3).map(|k| at[k].powi(powers[k] as i32)).product()
                };
                row.iter().zip(&monomials).map(|(c, powers)| c * term(powers)).sum()
            };
            let sum: f64 =
                solid_harmonics(l).chunks(monomials.len()).map(|row| value(row).powi(2)).sum();
            assert!((sum - square.powi(l as i32)).abs() < 1e-15, "l = {l}");
        }
    }

    #[test]
    fn d_functions_stand_as_documented() {
        let root = 3.0_f64.sqrt(); // over xx, xy, xz, yy, yz, zz
        let wanted = [
            [0.0, root, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, root, 0.0],
            [-0.5, 0.0, 0.0, -0.5, 0.0, 1.0],
            [0.0, 0.0, root, 0.0, 0.0, 0.0],
            [root / 2.0, 0.0, 0.0, -root / 2.0, 0.0, 0.0],
        ];
        for (found, wanted) in Form::Spherical.rows(2).iter().zip(wanted.as_flattened()) {
            assert!((found - wanted).abs() < 1e-15);
        }
        assert_eq!(Form::Spherical.rows(1), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }
}

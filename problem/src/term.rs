//! What is asked of outputs.
//!
//! A [`Term`] takes groups of entries of the outputs `y` to misfits `e`, these to losses, and sums them:
//!
//! ```text
//! value = weight * sum_g w_g rho(e_g)
//! e_g   = signed or absolute distance of the group from what is wanted, divided by the scale
//! ```
//!
//! Squares are `rho(e) = 1/2 e^2`, so that a scale that is the standard deviation of the noise makes the value a negative log
//! likelihood.

/// How a group of entries becomes a misfit, before it is divided by the scale.
#[derive(Clone, Debug, PartialEq)]
pub enum Misfit {
    /// `y - target`, signed; groups of one entry.
    Difference,
    /// `max(0, |y - target| - tolerance)`, Euclidean over the group.
    Distance {
        /// What is forgiven, in the output's unit.
        tolerance: f64,
    },
    /// `max(0, lower - y, y - upper)`, groups of one entry; `target` is not used.
    Beyond {
        /// Least value of each entry that is allowed.
        lower: Vec<f64>,
        /// Greatest value of each entry.
        upper: Vec<f64>,
    },
}

/// What a misfit costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `1/2 e^2`.
    Square,
    /// `|e|`; at 0 its derivative counts as 0.
    Absolute,
    /// `1/2 e^2` up to `|e| = 1`, from there `|e| - 1/2` (Huber 1964).
    Huber,
    /// `e`.
    Value,
    /// `-e`.
    Negative,
}

impl Loss {
    /// `rho(e)` and its derivative.
    pub fn rho(self, e: f64) -> (f64, f64) {
        match self {
            Self::Huber if e.abs() > 1.0 => (e.abs() - 0.5, e.signum()),
            Self::Square | Self::Huber => (0.5 * e * e, e),
            Self::Absolute if e == 0.0 => (0.0, 0.0),
            Self::Absolute => (e.abs(), e.signum()),
            Self::Value => (e, 1.0),
            Self::Negative => (-e, -1.0),
        }
    }

    /// Whether the term is a sum of squares.
    pub fn is_square(self) -> bool {
        self == Self::Square
    }
}

/// Something asked of entries of outputs.
///
/// Entries are positions in the concatenation of the outputs that a map was picked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Its name in histories, reports and goals; unique.
    pub label: String,
    /// Entries of the outputs, group after group.
    pub entries: Vec<usize>,
    /// Entries in a group: the components of a vector, or 1.
    pub group: usize,
    /// What each entry should be; zeros where nothing is.
    pub target: Vec<f64>,
    /// How groups become misfits.
    pub misfit: Misfit,
    /// Divides the misfits, in the output's unit: the size of a misfit that matters, or the noise's standard deviation.
    pub scale: f64,
    /// What a misfit costs.
    pub loss: Loss,
    /// Weight of each group: 1 for a sum, `1/groups` for a mean, an axis' weights for an integral.
    pub weights: Vec<f64>,
    /// Weight of the whole.
    pub weight: f64,
}

impl Term {
    /// `1/2 sum_k ((y_k - target_k) / scale)^2` over these entries.
    pub fn difference(label: &str, entries: Vec<usize>, target: Vec<f64>, scale: f64) -> Self {
        let weights = vec![1.0; entries.len()];
        Self {
            label: label.into(),
            entries,
            group: 1,
            target,
            misfit: Misfit::Difference,
            scale,
            loss: Loss::Square,
            weights,
            weight: 1.0,
        }
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.entries.len() / self.group
    }

    /// Misfit of group `g` in the output's unit, and its derivatives by the group's entries.
    pub fn misfit(&self, y: &[f64], g: usize) -> (f64, Vec<f64>) {
        let mut slopes = vec![0.0; self.group];
        let misfit = self.misfit_into(y, g, &mut slopes);
        (misfit, slopes)
    }

    /// Misfit of group `g`, with its derivatives written into `slopes`, one for each entry of the group.
    pub(crate) fn misfit_into(&self, y: &[f64], g: usize, slopes: &mut [f64]) -> f64 {
        let range = g * self.group..(g + 1) * self.group;
        let entries = &self.entries[range.clone()];
        let away = || entries.iter().zip(&self.target[range.clone()]).map(|(e, t)| y[*e] - t);
        match &self.misfit {
            Misfit::Difference => {
                slopes.fill(1.0);
                away().sum()
            }
            Misfit::Distance { tolerance } => {
                let length = away().map(|d| d * d).sum::<f64>().sqrt();
                if length <= *tolerance {
                    // at the target itself the distance has no derivative, and its square has 0
                    slopes.fill(0.0);
                    return 0.0;
                }
                slopes.iter_mut().zip(away()).for_each(|(slope, d)| *slope = d / length);
                length - tolerance
            }
            Misfit::Beyond { lower, upper } => {
                let (y, below, above) = (y[entries[0]], lower[g], upper[g]);
                let (misfit, slope) = if y > above {
                    (y - above, 1.0)
                } else if y < below {
                    (below - y, -1.0)
                } else {
                    (0.0, 0.0)
                };
                slopes[0] = slope;
                misfit
            }
        }
    }

    /// Value of the term.
    pub fn value(&self, y: &[f64]) -> f64 {
        let mut slopes = vec![0.0; self.group];
        let loss = |g| {
            let misfit = self.misfit_into(y, g, &mut slopes);
            self.weights[g] * self.loss.rho(misfit / self.scale).0
        };
        self.weight * (0..self.groups()).map(loss).sum::<f64>()
    }

    /// Adds the derivative of the value at `y` to `y_bar`.
    pub fn pull(&self, y: &[f64], y_bar: &mut [f64]) {
        for g in 0..self.groups() {
            let (misfit, slopes) = self.misfit(y, g);
            let (_, by_misfit) = self.loss.rho(misfit / self.scale);
            let bar = self.weight * self.weights[g] * by_misfit / self.scale;
            let entries = &self.entries[g * self.group..];
            slopes.iter().zip(entries).for_each(|(slope, e)| y_bar[*e] += bar * slope);
        }
    }

    /// Factor that makes a misfit a residual: `r_g = factor_g e_g` with `value = 1/2 sum r_g^2`.
    pub fn residual_factor(&self, g: usize) -> f64 {
        (self.weight * self.weights[g]).sqrt() / self.scale
    }

    /// Second derivatives of group `g`'s part of the value by the group's entries, row-major: the part of them that is positive
    /// semidefinite. `misfit` and `slopes` are the group's.
    pub(crate) fn hessian(
        &self,
        g: usize,
        (misfit, slopes): (f64, &[f64]),
    ) -> impl Iterator<Item = f64> {
        let n = self.group;
        let e = misfit / self.scale;
        let square = match self.loss {
            Loss::Square => true,
            Loss::Huber => e.abs() <= 1.0,
            Loss::Absolute | Loss::Value | Loss::Negative => false,
        };
        let factor = self.weight * self.weights[g];
        let along = if square { factor / (self.scale * self.scale) } else { 0.0 };
        let across = match self.misfit {
            // the half square of a distance has no corner at its target
            Misfit::Distance { tolerance } if misfit == 0.0 && tolerance <= 0.0 => along,
            Misfit::Distance { tolerance } if misfit > 0.0 => {
                factor * self.loss.rho(e).1 / (self.scale * (misfit + tolerance))
            }
            _ => 0.0,
        };
        let across = across.max(0.0);
        (0..n * n).map(move |k| {
            let (i, j) = (k / n, k % n);
            let identity = if i == j { across } else { 0.0 };
            identity + (along - across) * slopes[i] * slopes[j]
        })
    }

    /// Second derivative of the value applied to `y_dot`, without what the outputs' own curvature adds.
    ///
    /// Distances are curved across their direction: `d^2 |v| = (I - n n^T) / |v|`.
    pub fn curvature(&self, y: &[f64], y_dot: &[f64], y_bar_dot: &mut [f64]) {
        for g in 0..self.groups() {
            let (misfit, slopes) = self.misfit(y, g);
            let e = misfit / self.scale;
            let (_, first) = self.loss.rho(e);
            let flat = match self.loss {
                Loss::Square => false,
                Loss::Huber => e.abs() > 1.0,
                Loss::Absolute | Loss::Value | Loss::Negative => true,
            };
            let entries = &self.entries[g * self.group..(g + 1) * self.group];
            let along: f64 = slopes.iter().zip(entries).map(|(s, e)| s * y_dot[*e]).sum();
            let factor = self.weight * self.weights[g];
            let second = if flat { 0.0 } else { factor * along / (self.scale * self.scale) };
            let across = match self.misfit {
                Misfit::Distance { tolerance } if misfit > 0.0 => {
                    factor * first / (self.scale * (misfit + tolerance))
                }
                _ => 0.0,
            };
            for (slope, e) in slopes.iter().zip(entries) {
                y_bar_dot[*e] += second * slope + across * (y_dot[*e] - slope * along);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Loss, Misfit, Term};

    fn terms() -> Vec<Term> {
        let term = |misfit, group, loss| Term {
            label: "t".into(),
            entries: vec![3, 0, 1, 2],
            group,
            target: vec![0.1, -0.2, 0.3, 0.4],
            misfit,
            scale: 0.7,
            loss,
            weights: vec![1.0, 0.5, 2.0, 1.5],
            weight: 3.0,
        };
        let beyond = || Misfit::Beyond { lower: vec![-0.1; 4], upper: vec![0.2; 4] };
        let mut terms = vec![term(beyond(), 1, Loss::Square), term(beyond(), 1, Loss::Absolute)];
        for loss in [Loss::Square, Loss::Absolute, Loss::Huber, Loss::Value, Loss::Negative] {
            terms.push(term(Misfit::Difference, 1, loss));
            terms.push(term(Misfit::Distance { tolerance: 0.3 }, 2, loss));
            terms.push(term(Misfit::Distance { tolerance: 0.0 }, 4, loss));
        }
        terms
    }

    /// Points where no loss and no misfit has a kink.
    const POINTS: [[f64; 4]; 2] = [[0.9, -1.3, 0.45, 0.75], [-0.6, 0.35, 2.1, -0.5]];

    #[test]
    fn derivatives_of_every_misfit_and_loss_are_those_of_differences() {
        let h = 1e-5;
        for (term, y) in terms().iter().flat_map(|t| POINTS.iter().map(move |y| (t, y))) {
            let direction = [0.3, -0.8, 0.5, 1.1];
            let moved =
                |s: f64| -> Vec<f64> { y.iter().zip(direction).map(|(y, d)| y + s * d).collect() };
            let gradient = |y: &[f64]| {
                let mut bar = vec![0.0; 4];
                term.pull(y, &mut bar);
                bar
            };
            let slope: f64 = gradient(y).iter().zip(direction).map(|(g, d)| g * d).sum();
            let difference = (term.value(&moved(h)) - term.value(&moved(-h))) / (2.0 * h);
            assert!((slope - difference).abs() < 1e-8, "{term:?} {slope} {difference}");
            let mut second = vec![0.0; 4];
            term.curvature(y, &direction, &mut second);
            let (above, below) = (gradient(&moved(h)), gradient(&moved(-h)));
            for k in 0..4 {
                let difference = (above[k] - below[k]) / (2.0 * h);
                assert!((second[k] - difference).abs() < 1e-6, "{term:?} {k}");
            }
        }
    }

    #[test]
    fn the_hessian_of_groups_is_the_curvature_where_the_loss_is_convex() {
        let direction = [0.3, -0.8, 0.5, 1.1];
        let all = terms();
        let convex = all.iter().filter(|t| t.loss != Loss::Negative);
        for (term, y) in convex.flat_map(|t| POINTS.iter().map(move |y| (t, y))) {
            let mut expected = vec![0.0; 4];
            term.curvature(y, &direction, &mut expected);
            let mut product = [0.0; 4];
            for g in 0..term.groups() {
                let (n, entries) = (term.group, &term.entries[g * term.group..]);
                let (misfit, slopes) = term.misfit(y, g);
                for (k, h) in term.hessian(g, (misfit, &slopes)).enumerate() {
                    product[entries[k / n]] += h * direction[entries[k % n]];
                }
            }
            for k in 0..4 {
                assert!((product[k] - expected[k]).abs() < 1e-13, "{term:?} {k}");
            }
        }
    }

    #[test]
    fn residuals_are_half_squares_of_the_value() {
        for term in terms().iter().filter(|t| t.loss.is_square()) {
            for y in &POINTS {
                let residual = |g| term.residual_factor(g) * term.misfit(y, g).0;
                let sum: f64 = (0..term.groups()).map(|g| 0.5 * residual(g) * residual(g)).sum();
                assert!((sum - term.value(y)).abs() < 1e-14 * sum.max(1.0));
            }
        }
    }

    #[test]
    fn what_is_within_its_tolerance_pulls_at_nothing_not_even_at_the_target() {
        let mut term = terms().remove(3);
        for tolerance in [0.0, 0.5] {
            term.misfit = Misfit::Distance { tolerance };
            let mut bar = vec![0.0; 4];
            term.pull(&[-0.2, 0.3, 0.4, 0.1], &mut bar);
            assert_eq!((term.value(&[-0.2, 0.3, 0.4, 0.1]), bar), (0.0, vec![0.0; 4]));
        }
    }
}

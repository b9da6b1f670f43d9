//! When an answer is good enough, as numbers.

use serde::{Deserialize, Serialize};

use crate::term::Term;

/// What a measured number must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Must {
    /// At most this far from 0.
    Within(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Must {
    /// Whether `measured` satisfies it with certainty: with two standard errors against it as well.
    pub fn holds(self, measured: f64, standard_error: Option<f64>) -> bool {
        let doubt = 2.0 * standard_error.unwrap_or(0.0);
        match self {
            Self::Within(bound) => measured.abs() + doubt <= bound,
            Self::AtMost(bound) => measured + doubt <= bound,
            Self::AtLeast(bound) => measured - doubt >= bound,
        }
    }

    /// The bound.
    pub fn bound(self) -> f64 {
        match self {
            Self::Within(bound) | Self::AtMost(bound) | Self::AtLeast(bound) => bound,
        }
    }
}

/// How the misfits of a term's groups become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The largest of all, in the output's unit.
    Largest,
    /// The root of the weighted mean square.
    RootMeanSquare,
    /// The weighted sum: an integral, where the weights are an axis'.
    Total,
    /// The weighted sum of the squares, in the output's unit squared.
    TotalSquare,
}

/// What is measured of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A statistic of a term's misfits. Scale, loss and weight of the term are not used.
    Outputs(Term, Statistic),
    /// The largest distance of entries of the answer from their true values.
    Parameter {
        /// Entries of the answer.
        entries: Vec<usize>,
        /// What they should be.
        truth: Vec<f64>,
        /// Whether each distance is divided by its true value, and the number in percent.
        relative: bool,
        /// Whether the entries are a rotation vector, and the distance an angle.
        rotation: bool,
    },
}

impl Measure {
    /// The number, from outputs `y` and the answer `x`.
    pub fn of(&self, y: &[f64], x: &[f64]) -> f64 {
        match self {
            Self::Outputs(term, statistic) => statistic.of(term, y),
            Self::Parameter { entries, truth, relative, rotation } => {
                let found: Vec<f64> = entries.iter().map(|e| x[*e]).collect();
                if *rotation {
                    return rotation_angle(&found, truth);
                }
                let distance = |(x, t): (&f64, &f64)| {
                    (x - t).abs() / if *relative { 0.01 * t.abs() } else { 1.0 }
                };
                found.iter().zip(truth).map(distance).fold(0.0, greatest)
            }
        }
    }

    /// Its standard error, from those of the outputs: by the derivative of the number where it has one.
    pub fn standard_error(&self, y: &[f64], errors: &[f64]) -> f64 {
        let Self::Outputs(term, statistic) = self else { return 0.0 };
        let slopes = statistic.slopes(term, y);
        slopes.iter().map(|(e, slope)| (slope * errors[*e]).powi(2)).sum::<f64>().sqrt()
    }
}

impl Statistic {
    fn of(self, term: &Term, y: &[f64]) -> f64 {
        let misfits = (0..term.groups()).map(|g| (term.weights[g], term.misfit(y, g).0));
        match self {
            Self::Largest => misfits.map(|(_, e)| e.abs()).fold(0.0, greatest),
            Self::Total => misfits.map(|(w, e)| w * e).sum(),
            Self::TotalSquare => misfits.map(|(w, e)| w * e * e).sum(),
            Self::RootMeanSquare => {
                let (weight, square) =
                    misfits.fold((0.0, 0.0), |(a, b), (w, e)| (a + w, b + w * e * e));
                (square / weight).sqrt()
            }
        }
    }

    /// Derivatives of the number by entries of the outputs.
    fn slopes(self, term: &Term, y: &[f64]) -> Vec<(usize, f64)> {
        let value = self.of(term, y);
        let weight: f64 = term.weights.iter().sum();
        let of_group = |g: usize| {
            let (misfit, slopes) = term.misfit(y, g);
            let factor = match self {
                Self::Largest if misfit.abs() < value => 0.0,
                Self::Largest => 1.0,
                Self::Total => term.weights[g],
                Self::TotalSquare => 2.0 * term.weights[g] * misfit,
                Self::RootMeanSquare if value > 0.0 => term.weights[g] * misfit / (weight * value),
                Self::RootMeanSquare => 0.0,
            };
            let entries = term.entries[g * term.group..].iter().copied();
            entries.zip(slopes).map(|(e, s)| (e, factor * s)).collect::<Vec<_>>()
        };
        (0..term.groups()).flat_map(of_group).collect()
    }
}

/// The greater of two, NaN where one is: a number that does not exist is no small one.
fn greatest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Angle between two rotations given as rotation vectors, rad.
fn rotation_angle(a: &[f64], b: &[f64]) -> f64 {
    use cotangent_ad::{Quat, Vec3};
    let quat = |v: &[f64]| Quat::exp(Vec3([v[0], v[1], v[2]]));
    (quat(a).conjugate() * quat(b)).log().norm()
}

/// A measure with what it must satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Its name.
    pub label: String,
    /// What is measured, in words.
    pub what: String,
    /// Unit of the measured number.
    pub unit: String,
    /// What is measured.
    pub measure: Measure,
    /// What it must satisfy.
    pub must: Must,
}

/// A goal with what was measured of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the goal.
    pub label: String,
    /// What was measured, in words.
    pub what: String,
    /// Unit of `measured` and of the bound.
    pub unit: String,
    /// What it must satisfy; `None` where nothing is judged.
    pub must: Option<Must>,
    /// The number.
    pub measured: f64,
    /// Its standard error, where the simulation is stochastic.
    pub standard_error: Option<f64>,
    /// Whether it satisfies `must`; `None` where nothing is judged.
    pub met: Option<bool>,
}

impl Finding {
    /// A number that was measured otherwise than by a [`Goal`], exactly.
    pub fn new(label: &str, what: &str, unit: &str, must: Option<Must>, measured: f64) -> Self {
        let (label, what, unit) = (label.into(), what.into(), unit.into());
        let met = must.map(|must| must.holds(measured, None));
        Self { label, what, unit, must, measured, standard_error: None, met }
    }
}

impl Goal {
    /// Judges outputs `y`, with their standard errors where they have such, and an answer `x`.
    pub fn judge(&self, y: &[f64], errors: Option<&[f64]>, x: &[f64]) -> Finding {
        let measured = self.measure.of(y, x);
        let standard_error = errors.map(|errors| self.measure.standard_error(y, errors));
        Finding {
            label: self.label.clone(),
            what: self.what.clone(),
            unit: self.unit.clone(),
            must: Some(self.must),
            measured,
            standard_error,
            met: Some(measured.is_finite() && self.must.holds(measured, standard_error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Measure, Must, Statistic};
    use crate::term::{Loss, Misfit, Term};

    fn goal(statistic: Statistic, bound: f64) -> Goal {
        let term = Term {
            label: "t".into(),
            entries: vec![0, 1, 2, 3],
            group: 2,
            target: vec![0.0; 4],
            misfit: Misfit::Distance { tolerance: 0.0 },
            scale: 1.0,
            loss: Loss::Square,
            weights: vec![0.5, 2.0],
            weight: 1.0,
        };
        Goal {
            label: "g".into(),
            what: "distance".into(),
            unit: "m".into(),
            measure: Measure::Outputs(term, statistic),
            must: Must::AtMost(bound),
        }
    }

    #[test]
    fn statistics_of_two_distances() {
        let y = [3.0, 4.0, 0.0, 1.0];
        for (statistic, expected) in [
            (Statistic::Largest, 5.0),
            (Statistic::Total, 0.5 * 5.0 + 2.0),
            (Statistic::TotalSquare, 0.5 * 25.0 + 2.0),
            (Statistic::RootMeanSquare, (14.5_f64 / 2.5).sqrt()),
        ] {
            let found = goal(statistic, expected).judge(&y, None, &[]);
            assert_eq!((found.measured, found.met), (expected, Some(true)));
            // the error of the number is that of differences
            let errors = [0.1, 0.2, 0.05, 0.3];
            let with_errors = goal(statistic, expected).judge(&y, Some(&errors), &[]);
            let slope = |k: usize| {
                let moved = |h: f64| {
                    let mut y = y;
                    y[k] += h;
                    goal(statistic, 0.0).measure.of(&y, &[])
                };
                (moved(1e-6) - moved(-1e-6)) / 2e-6
            };
            let error = (0..4).map(|k| (slope(k) * errors[k]).powi(2)).sum::<f64>().sqrt();
            assert!((with_errors.standard_error.unwrap() - error).abs() < 1e-8);
            assert_eq!(with_errors.met, Some(false), "two standard errors are not within");
        }
    }

    #[test]
    fn within_is_a_distance_on_both_sides() {
        for (measured, met) in [(-5.0, false), (-0.5, true), (0.5, true), (5.0, false)] {
            assert_eq!(Must::Within(1.0).holds(measured, None), met);
        }
    }

    #[test]
    fn what_is_no_number_meets_nothing() {
        let found = goal(Statistic::Largest, 1.0).judge(&[0.0, 0.0, f64::NAN, 0.0], None, &[]);
        assert!(found.measured.is_nan() && found.met == Some(false));
    }

    #[test]
    fn distances_of_parameters_are_plain_relative_or_angles() {
        let measure = |relative, rotation, truth: &[f64]| Measure::Parameter {
            entries: vec![1, 2, 3],
            truth: truth.to_vec(),
            relative,
            rotation,
        };
        let x = [9.0, 1.1, 2.0, -3.3];
        assert!((measure(false, false, &[1.0, 2.0, -3.0]).of(&[], &x) - 0.3).abs() < 1e-15);
        assert!((measure(true, false, &[1.0, 2.0, -3.0]).of(&[], &x) - 10.0).abs() < 1e-13);
        let x = [9.0, 0.0, 0.0, 3.0];
        let angle = measure(false, true, &[0.0, 0.0, -3.0]).of(&[], &x);
        assert!((angle - (std::f64::consts::TAU - 6.0)).abs() < 1e-12, "{angle}");
    }
}

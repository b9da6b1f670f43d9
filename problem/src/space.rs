//! What the parameters are: names, units, bounds, scales and transforms.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a parameter is mapped before it is scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// As it is.
    #[default]
    Identity,
    /// `ln x`, for positive quantities over orders of magnitude.
    Log,
    /// `ln((x - a)/(b - x))` between finite bounds `a < b`.
    Logit,
    /// A rotation vector (axis times angle, three entries): as it is, and brought back to an angle of at most pi when
    /// it is decoded, which is the same rotation.
    RotationVector,
}

/// A named parameter of any shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, such as `ball.velocity`.
    pub name: String,
    /// Unit, such as `m/s`; empty for a pure number.
    pub unit: String,
    /// Shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Least value of every entry, in the parameter's unit.
    pub lower: f64,
    /// Greatest value of every entry.
    pub upper: f64,
    /// Typical size of a change, in the unit after the transform: optimizers work in multiples of it.
    pub scale: f64,
    /// Transform.
    pub transform: Transform,
}

impl Parameter {
    /// A free, dimensionless vector.
    pub fn vector(name: &str, entries: usize) -> Self {
        Self {
            name: name.into(),
            unit: String::new(),
            shape: vec![entries],
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            scale: 1.0,
            transform: Transform::Identity,
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn encode(&self, x: f64) -> f64 {
        let t = match self.transform {
            Transform::Identity | Transform::RotationVector => x,
            Transform::Log => x.ln(),
            Transform::Logit => ((x - self.lower) / (self.upper - x)).ln(),
        };
        t / self.scale
    }

    fn decode(&self, z: f64) -> f64 {
        let t = z * self.scale;
        let x = match self.transform {
            Transform::Identity | Transform::RotationVector => t,
            Transform::Log => t.exp(),
            Transform::Logit => self.lower + (self.upper - self.lower) / (1.0 + (-t).exp()),
        };
        x.clamp(self.lower, self.upper) // rounding must not carry a bound away
    }

    /// `dx/dz`.
    fn slope(&self, x: f64) -> f64 {
        let by_t = match self.transform {
            Transform::Identity | Transform::RotationVector => 1.0,
            Transform::Log => x,
            Transform::Logit => (x - self.lower) * (self.upper - x) / (self.upper - self.lower),
        };
        by_t * self.scale
    }

    /// `x''/x'`, derivatives by `z`.
    fn curvature(&self, x: f64) -> f64 {
        match self.transform {
            Transform::Identity | Transform::RotationVector => 0.0,
            Transform::Log => self.scale,
            Transform::Logit => {
                self.scale * (self.lower + self.upper - 2.0 * x) / (self.upper - self.lower)
            }
        }
    }

    fn check(&self) -> Result<(), SpaceError> {
        let fail = |why: String| Err(SpaceError::Parameter { name: self.name.clone(), why });
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return fail(format!("its scale must be positive and finite (found {})", self.scale));
        }
        if self.lower.is_nan() || self.upper.is_nan() || self.lower > self.upper {
            return fail(format!(
                "its lower bound {} exceeds its upper bound {}",
                self.lower, self.upper
            ));
        }
        match self.transform {
            Transform::Log if self.lower < 0.0 => fail(format!(
                "a log transform needs a lower bound of at least 0 (found {})",
                self.lower
            )),
            Transform::Logit
                if !(self.lower.is_finite()
                    && self.upper.is_finite()
                    && self.lower < self.upper) =>
            {
                fail(format!(
                    "a logit transform needs finite, distinct bounds (found {} and {})",
                    self.lower, self.upper
                ))
            }
            Transform::RotationVector
                if self.len() != 3 || self.lower.is_finite() || self.upper.is_finite() =>
            {
                fail("a rotation vector has three entries and no bounds".into())
            }
            _ => Ok(()),
        }
    }
}

/// Why a space or a start makes no sense.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SpaceError {
    /// A parameter contradicts itself.
    #[error("parameter `{name}`: {why}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Two parameters have one name.
    #[error("two parameters are called `{0}`")]
    Twice(String),
    /// There is nothing to optimise.
    #[error("there is no parameter to optimise")]
    Empty,
    /// The start has another number of entries.
    #[error("the start has {found} entries, the parameters have {expected}")]
    Length {
        /// Entries of the parameters.
        expected: usize,
        /// Entries given.
        found: usize,
    },
    /// A start value lies outside its bounds or is not finite.
    #[error("`{name}` starts at {value}, outside [{lower}, {upper}]")]
    Start {
        /// Name of the entry.
        name: String,
        /// Its value.
        value: f64,
        /// Its lower bound.
        lower: f64,
        /// Its upper bound.
        upper: f64,
    },
}

/// All parameters of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    parameters: Vec<Parameter>,
}

impl Space {
    /// A space of these parameters, in this order.
    ///
    /// # Errors
    /// No entries, two parameters of one name, bounds, scales and transforms that contradict each other.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, SpaceError> {
        for (k, p) in parameters.iter().enumerate() {
            p.check()?;
            if parameters[..k].iter().any(|q| q.name == p.name) {
                return Err(SpaceError::Twice(p.name.clone()));
            }
        }
        if parameters.iter().all(Parameter::is_empty) {
            return Err(SpaceError::Empty);
        }
        Ok(Self { parameters })
    }

    /// The parameters.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Number of entries `n`.
    pub fn dim(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// The parameter of each entry.
    pub fn entries(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().flat_map(|p| std::iter::repeat_n(p, p.len()))
    }

    /// Name of entry `i`: `name`, `name[2]` or `name[0,2]`.
    pub fn name_of(&self, i: usize) -> String {
        let mut first = 0;
        for p in &self.parameters {
            if i < first + p.len() {
                return format!("{}{}", p.name, index_of(i - first, &p.shape));
            }
            first += p.len();
        }
        format!("[{i}]")
    }

    /// Optimizer coordinates of `x`: transformed, then divided by the scale.
    pub fn encode(&self, x: &[f64]) -> Vec<f64> {
        self.entries().zip(x).map(|(p, x)| p.encode(*x)).collect()
    }

    /// Physical values of `z`, within the bounds exactly.
    pub fn decode(&self, z: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = self.entries().zip(z).map(|(p, z)| p.decode(*z)).collect();
        let mut first = 0;
        for p in &self.parameters {
            if p.transform == Transform::RotationVector {
                shorten_rotation(&mut x[first..first + 3]);
            }
            first += p.len();
        }
        x
    }

    /// Gradient by `z` from that by `x`.
    pub fn pull_gradient(&self, x: &[f64], by_x: &[f64]) -> Vec<f64> {
        self.entries().zip(x.iter().zip(by_x)).map(|(p, (x, g))| g * p.slope(*x)).collect()
    }

    /// Diagonal of `dx/dz`.
    pub fn slopes(&self, x: &[f64]) -> Vec<f64> {
        self.entries().zip(x).map(|(p, x)| p.slope(*x)).collect()
    }

    /// Second derivatives of `x` by `z` over the first.
    pub fn curvatures(&self, x: &[f64]) -> Vec<f64> {
        self.entries().zip(x).map(|(p, x)| p.curvature(*x)).collect()
    }

    /// Lower and upper bounds of `z`.
    pub fn bounds(&self) -> (Vec<f64>, Vec<f64>) {
        let bound = |p: &Parameter, x: f64, free: f64| {
            if p.transform == Transform::Logit { free } else { p.encode(x) }
        };
        let lower = self.entries().map(|p| bound(p, p.lower, f64::NEG_INFINITY)).collect();
        let upper = self.entries().map(|p| bound(p, p.upper, f64::INFINITY)).collect();
        (lower, upper)
    }

    /// Checks a start.
    ///
    /// # Errors
    /// A wrong length; an entry that is not finite or outside its bounds.
    pub fn check_start(&self, x: &[f64]) -> Result<(), SpaceError> {
        if x.len() != self.dim() {
            return Err(SpaceError::Length { expected: self.dim(), found: x.len() });
        }
        for (i, (p, &value)) in self.entries().zip(x).enumerate() {
            let open = p.transform == Transform::Logit || p.transform == Transform::Log;
            let inside = if open {
                value > p.lower && value < p.upper
            } else {
                value >= p.lower && value <= p.upper
            };
            if !(value.is_finite() && inside) {
                let (lower, upper) = (p.lower, p.upper);
                return Err(SpaceError::Start { name: self.name_of(i), value, lower, upper });
            }
        }
        Ok(())
    }
}

/// `[i,j]` of a row-major position; empty for a scalar.
fn index_of(mut position: usize, shape: &[usize]) -> String {
    if shape.is_empty() {
        return String::new();
    }
    let mut indices = Vec::new();
    for extent in shape.iter().rev() {
        indices.push((position % extent).to_string());
        position /= extent;
    }
    indices.reverse();
    format!("[{}]", indices.join(","))
}

/// The same rotation with an angle of at most pi.
fn shorten_rotation(v: &mut [f64]) {
    use std::f64::consts::{PI, TAU};
    let angle = v.iter().map(|c| c * c).sum::<f64>().sqrt();
    if angle > PI {
        let shorter = angle - TAU * (angle / TAU).round();
        v.iter_mut().for_each(|c| *c *= shorter / angle);
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameter, Space, SpaceError, Transform};

    fn parameter(
        name: &str,
        lower: f64,
        upper: f64,
        scale: f64,
        transform: Transform,
    ) -> Parameter {
        Parameter {
            name: name.into(),
            unit: "m".into(),
            shape: vec![],
            lower,
            upper,
            scale,
            transform,
        }
    }

    #[test]
    fn coordinates_go_there_and_back_and_the_slope_is_the_derivative() {
        let space = Space::new(vec![
            parameter("a", -1.0, 4.0, 0.1, Transform::Identity),
            parameter("b", 0.0, f64::INFINITY, 2.0, Transform::Log),
            parameter("c", -2.0, 3.0, 0.5, Transform::Logit),
        ])
        .unwrap();
        let x = [0.3, 7.0, 1.2];
        let z = space.encode(&x);
        let back = space.decode(&z);
        for k in 0..3 {
            assert!((back[k] - x[k]).abs() < 1e-14);
            let mut moved = z.clone();
            moved[k] += 1e-6;
            let above = space.decode(&moved)[k];
            moved[k] -= 2e-6;
            let fd = (above - space.decode(&moved)[k]) / 2e-6;
            assert!((space.slopes(&x)[k] - fd).abs() < 1e-8 * fd.abs().max(1.0));
        }
    }

    #[test]
    fn a_long_rotation_vector_is_the_same_rotation_made_short() {
        let rotation =
            Parameter { transform: Transform::RotationVector, ..Parameter::vector("r", 3) };
        let space = Space::new(vec![rotation]).unwrap();
        let x = space.decode(&[0.0, 0.0, 4.0]);
        assert!((x[2] - (4.0 - std::f64::consts::TAU)).abs() < 1e-15);
    }

    #[test]
    fn contradictions_and_bad_starts_are_refused() {
        let refused = |p: Parameter| Space::new(vec![p]).unwrap_err();
        assert!(matches!(
            refused(parameter("a", 2.0, 1.0, 1.0, Transform::Identity)),
            SpaceError::Parameter { .. }
        ));
        assert!(matches!(
            refused(parameter("a", -1.0, 1.0, 1.0, Transform::Log)),
            SpaceError::Parameter { .. }
        ));
        assert!(matches!(
            refused(parameter("a", 0.0, 1.0, 0.0, Transform::Identity)),
            SpaceError::Parameter { .. }
        ));
        assert_eq!(Space::new(vec![]).unwrap_err(), SpaceError::Empty);
        let space =
            Space::new(vec![Parameter { lower: 0.0, ..Parameter::vector("v", 2) }]).unwrap();
        let message = space.check_start(&[1.0, -1.0]).unwrap_err().to_string();
        assert_eq!(message, "`v[1]` starts at -1, outside [0, inf]");
        assert!(space.check_start(&[f64::NAN, 1.0]).is_err() && space.check_start(&[1.0]).is_err());
    }

    #[test]
    fn entries_have_names() {
        let space =
            Space::new(vec![Parameter { shape: vec![2, 3], ..Parameter::vector("w", 1) }]).unwrap();
        assert_eq!(space.name_of(5), "w[1,2]");
    }
}

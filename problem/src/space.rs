//! What the parameters are: names, units, bounds, scales and transforms.

use cotangent_ad::random::Stream;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::key::name_word;

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
    /// Least value of each entry, in the parameter's unit.
    pub lower: Vec<f64>,
    /// Greatest value of each entry.
    pub upper: Vec<f64>,
    /// Typical size of a change, in the unit after the transform: optimizers work in multiples of it.
    pub scale: f64,
    /// Transform.
    pub transform: Transform,
    /// Whether its zero is a convention, as that of positions is: then a value near zero is not small and one far away not large, and only
    /// `scale` says how far is far.
    #[serde(default)]
    pub is_position: bool,
}

impl Parameter {
    /// A free, dimensionless array of scale 1.
    pub fn array(name: impl Into<String>, shape: &[usize]) -> Self {
        let entries = shape.iter().product();
        Self {
            name: name.into(),
            unit: String::new(),
            shape: shape.to_vec(),
            lower: vec![f64::NEG_INFINITY; entries],
            upper: vec![f64::INFINITY; entries],
            scale: 1.0,
            transform: Transform::Identity,
            is_position: false,
        }
    }

    /// A free, dimensionless vector of scale 1.
    pub fn vector(name: impl Into<String>, entries: usize) -> Self {
        Self::array(name, &[entries])
    }

    /// A free, dimensionless number of scale 1.
    pub fn scalar(name: impl Into<String>) -> Self {
        Self::array(name, &[])
    }

    /// In this unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// With the same bounds for every entry.
    #[must_use]
    pub fn within(mut self, lower: f64, upper: f64) -> Self {
        self.lower.fill(lower);
        self.upper.fill(upper);
        self
    }

    /// With this typical size of a change.
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        self.scale = scale;
        self
    }

    /// As a position, whose zero is a convention.
    #[must_use]
    pub fn position(mut self) -> Self {
        self.is_position = true;
        self
    }

    /// Through this transform.
    #[must_use]
    pub fn through(mut self, transform: Transform) -> Self {
        self.transform = transform;
        self
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entry `k`.
    fn entry(&self, k: usize) -> Entry {
        let (lower, upper) = (self.lower[k], self.upper[k]);
        Entry { lower, upper, scale: self.scale, transform: self.transform }
    }

    fn check(&self) -> Result<(), SpaceError> {
        let fail = |why: String| Err(SpaceError::Parameter { name: self.name.clone(), why });
        let n = self.len();
        if self.lower.len() != n || self.upper.len() != n {
            let (lower, upper) = (self.lower.len(), self.upper.len());
            return fail(format!("it has {n} entries, {lower} lower and {upper} upper bounds"));
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return fail(format!("its scale must be positive and finite (found {})", self.scale));
        }
        if self.transform == Transform::RotationVector && n != 3 {
            return fail("a rotation vector has three entries and no bounds".into());
        }
        (0..n).try_for_each(|k| self.entry(k).check().or_else(fail))
    }
}

/// One number of a space: its bounds and how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Least value.
    pub lower: f64,
    /// Greatest value.
    pub upper: f64,
    /// Typical size of a change, after the transform.
    pub scale: f64,
    /// Transform.
    pub transform: Transform,
}

impl Entry {
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

    /// Bounds of `z`.
    fn bounds(&self) -> [f64; 2] {
        if self.transform == Transform::Logit {
            return [f64::NEG_INFINITY, f64::INFINITY];
        }
        [self.encode(self.lower), self.encode(self.upper)]
    }

    /// Whether `x` may be a start: within the bounds, and not on one that the transform carries to infinity.
    fn admits(&self, x: f64) -> bool {
        let inside = match self.transform {
            Transform::Log | Transform::Logit => x > self.lower && x < self.upper,
            Transform::Identity | Transform::RotationVector => x >= self.lower && x <= self.upper,
        };
        inside && x.is_finite()
    }

    /// `x` moved by `share` of the width between the bounds, or of twice the scale where one is missing; within the bounds.
    fn moved(&self, x: f64, share: f64) -> f64 {
        let width = self.upper - self.lower;
        if self.transform == Transform::Identity && width.is_finite() {
            return (x + share * width).clamp(self.lower, self.upper);
        }
        self.decode(self.encode(x) + 2.0 * share)
    }

    fn check(&self) -> Result<(), String> {
        let Self { lower, upper, .. } = *self;
        if lower.is_nan() || upper.is_nan() || lower > upper {
            return Err(format!("its lower bound {lower} exceeds its upper bound {upper}"));
        }
        match self.transform {
            Transform::Log if lower < 0.0 => {
                Err(format!("a log transform needs a lower bound of at least 0 (found {lower})"))
            }
            Transform::Logit if !(lower.is_finite() && upper.is_finite() && lower < upper) => {
                Err(format!(
                    "a logit transform needs finite, distinct bounds (found {lower} and {upper})"
                ))
            }
            Transform::RotationVector if lower.is_finite() || upper.is_finite() => {
                Err("a rotation vector has three entries and no bounds".into())
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

    /// Every number of it, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.parameters.iter().flat_map(|p| (0..p.len()).map(|k| p.entry(k)))
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

    /// `ln |det dx/dz|`: what a density over `z` has and one over `x` has not. `-inf` on a bound that `z` reaches at
    /// infinity.
    pub fn log_determinant(&self, x: &[f64]) -> f64 {
        self.slopes(x).iter().map(|s| s.abs().ln()).sum()
    }

    /// Of each entry whose zero is a convention ([`Parameter::is_position`]) the place of its parameter.
    pub fn positions(&self) -> Vec<Option<usize>> {
        let of_one =
            |(k, p): (usize, &Parameter)| std::iter::repeat_n(p.is_position.then_some(k), p.len());
        self.parameters.iter().enumerate().flat_map(of_one).collect()
    }

    /// Lower and upper bounds of `z`.
    pub fn bounds(&self) -> (Vec<f64>, Vec<f64>) {
        self.entries().map(|e| e.bounds()).map(|[lower, upper]| (lower, upper)).unzip()
    }

    /// `x` with every entry moved at random, within its bounds: by up to half of `spread` of the width between them, or, where
    /// one is missing, by up to `spread` of its scale. `spread` has a share for each parameter.
    ///
    /// The stream is named by `seed`, the parameter's name and the entry, so that a further parameter does not move another.
    pub fn spread(&self, x: &[f64], spread: &[f64], seed: u64) -> Vec<f64> {
        let mut moved = x.to_vec();
        let mut first = 0;
        for (p, share) in self.parameters.iter().zip(spread) {
            let noise = Stream::new(&[seed, name_word("start"), name_word(&p.name)]);
            for k in 0..p.len() {
                let by = share * (noise.uniform(k as u64) - 0.5);
                moved[first + k] = p.entry(k).moved(x[first + k], by);
            }
            first += p.len();
        }
        moved
    }

    /// Checks a start.
    ///
    /// # Errors
    /// A wrong length; an entry that is not finite or outside its bounds.
    pub fn check_start(&self, x: &[f64]) -> Result<(), SpaceError> {
        if x.len() != self.dim() {
            return Err(SpaceError::Length { expected: self.dim(), found: x.len() });
        }
        for (i, (entry, &value)) in self.entries().zip(x).enumerate() {
            if !entry.admits(value) {
                let Entry { lower, upper, .. } = entry;
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
        Parameter::scalar(name).unit("m").within(lower, upper).scaled(scale).through(transform)
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
        let rotation = Parameter::vector("r", 3).through(Transform::RotationVector);
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
        let space = Space::new(vec![Parameter::vector("v", 2).within(0.0, f64::INFINITY)]).unwrap();
        let message = space.check_start(&[1.0, -1.0]).unwrap_err().to_string();
        assert_eq!(message, "`v[1]` starts at -1, outside [0, inf]");
        assert!(space.check_start(&[f64::NAN, 1.0]).is_err() && space.check_start(&[1.0]).is_err());
    }

    #[test]
    fn a_spread_start_stays_within_the_bounds_and_moves_each_parameter_by_its_own_stream() {
        let bounded = parameter("a", -1.0, 1.0, 1.0, Transform::Identity);
        let positive = parameter("b", 0.0, f64::INFINITY, 0.5, Transform::Log);
        let (one, both) = (
            Space::new(vec![bounded.clone()]).unwrap(),
            Space::new(vec![positive, bounded]).unwrap(),
        );
        for seed in 0..100 {
            let moved = both.spread(&[2.0, 0.9], &[1.0, 0.5], seed);
            both.check_start(&moved).unwrap();
            assert!((moved[0] / 2.0).ln().abs() <= 0.5 && (moved[1] - 0.9).abs() <= 0.5);
            assert_eq!(one.spread(&[0.9], &[0.5], seed), moved[1..]);
        }
        assert_eq!(both.spread(&[2.0, 0.9], &[0.0, 0.0], 3)[1], 0.9);
    }

    #[test]
    fn entries_have_names() {
        let space = Space::new(vec![Parameter::array("w", &[2, 3])]).unwrap();
        assert_eq!(space.name_of(5), "w[1,2]");
    }
}

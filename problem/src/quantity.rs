//! What goes into a simulation and what comes out of it, by name.

use std::sync::Arc;

use crate::space::Transform;

/// The coordinate along the first dimension of a quantity: the times of a motion, the points of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What the coordinate is, such as `time`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its values, ascending.
    pub values: Vec<f64>,
    /// Weights of the values in an integral along the axis, in `unit`.
    pub weights: Vec<f64>,
}

impl Axis {
    /// The end points of `n` steps of `step`, with the weights of the trapezoidal rule.
    pub fn points(name: &str, unit: &str, n: usize, step: f64) -> Self {
        let weight = |k| if k == 0 || k == n { 0.5 * step } else { step };
        Self {
            name: name.into(),
            unit: unit.into(),
            values: (0..=n).map(|k| k as f64 * step).collect(),
            weights: (0..=n).map(weight).collect(),
        }
    }

    /// The starts of `n` steps of `step`, for what is constant during a step: each weighs `step`.
    pub fn intervals(name: &str, unit: &str, n: usize, step: f64) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
            values: (0..n).map(|k| k as f64 * step).collect(),
            weights: vec![step; n],
        }
    }

    /// Position of `value`, to a relative `1e-9` of its distance to the neighbours.
    ///
    /// # Errors
    /// The positions of the neighbours below and above, where there are such.
    pub fn position(&self, value: f64) -> Result<usize, (Option<usize>, Option<usize>)> {
        let above = self.values.partition_point(|v| *v < value);
        let below = above.checked_sub(1);
        let above = (above < self.values.len()).then_some(above);
        let spacing = match (below, above) {
            (Some(b), Some(a)) => self.values[a] - self.values[b],
            _ => self.values.get(1).map_or(1.0, |v| v - self.values[0]),
        };
        for candidate in [below, above].into_iter().flatten() {
            if (self.values[candidate] - value).abs() <= 1e-9 * spacing.max(value.abs()) {
                return Ok(candidate);
            }
        }
        Err((below, above))
    }
}

/// An input or an output of a simulation: a named array of numbers in one unit.
///
/// Entries are counted row-major over `shape`; an empty shape is a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Dotted name, such as `actuator.lift.control`. Segments that hold `.`, `*`, `/`, spaces or quotes are quoted.
    pub name: String,
    /// Unit, such as `N m`; empty for a pure number.
    pub unit: String,
    /// Shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// What it is, in a few words.
    pub summary: String,
    /// Present values of an input, one for each entry; empty for an output.
    pub value: Vec<f64>,
    /// Least meaningful value of each entry.
    pub lower: Vec<f64>,
    /// Greatest meaningful value of each entry.
    pub upper: Vec<f64>,
    /// Typical size of a change, in the unit after the transform.
    pub scale: f64,
    /// Transform in which it is naturally optimised.
    pub transform: Transform,
    /// Why there is no derivative by it (of it, for an output); `None` where there is one.
    pub not_differentiable: Option<String>,
    /// Coordinate along the first dimension.
    pub axis: Option<Arc<Axis>>,
    /// Whether the last dimension holds the components of one vector, whose length has a meaning.
    pub is_vector: bool,
    /// Whether its zero is a convention ([`crate::Parameter::is_position`]).
    pub is_position: bool,
}

impl Quantity {
    /// An unbounded input of scale 1 with these present values.
    ///
    /// # Panics
    /// Where `value` does not fill `shape`.
    pub fn input(name: impl Into<String>, unit: &str, shape: &[usize], value: Vec<f64>) -> Self {
        let entries = shape.iter().product();
        assert_eq!(value.len(), entries, "values of every entry");
        Self { value, ..Self::output(name, unit, shape) }
    }

    /// A scalar input.
    pub fn scalar(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self::input(name, unit, &[], vec![value])
    }

    /// An output without known bounds.
    pub fn output(name: impl Into<String>, unit: &str, shape: &[usize]) -> Self {
        let entries = shape.iter().product();
        Self {
            name: name.into(),
            unit: unit.into(),
            shape: shape.to_vec(),
            summary: String::new(),
            value: Vec::new(),
            lower: vec![f64::NEG_INFINITY; entries],
            upper: vec![f64::INFINITY; entries],
            scale: 1.0,
            transform: Transform::Identity,
            not_differentiable: None,
            axis: None,
            is_vector: false,
            is_position: false,
        }
    }

    /// With this description.
    #[must_use]
    pub fn about(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
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

    /// Optimised in this transform.
    #[must_use]
    pub fn through(mut self, transform: Transform) -> Self {
        self.transform = transform;
        self
    }

    /// Without a derivative, for this reason.
    #[must_use]
    pub fn fixed(mut self, why: impl Into<String>) -> Self {
        self.not_differentiable = Some(why.into());
        self
    }

    /// With this coordinate along the first dimension.
    ///
    /// # Panics
    /// Where the axis has another length than the first dimension.
    #[must_use]
    pub fn along(mut self, axis: &Arc<Axis>) -> Self {
        assert_eq!(self.shape.first(), Some(&axis.values.len()), "a value for each coordinate");
        self.axis = Some(Arc::clone(axis));
        self
    }

    /// As positions, whose zero is a convention.
    #[must_use]
    pub fn positions(mut self) -> Self {
        self.is_position = true;
        self
    }

    /// As vectors along the last dimension.
    #[must_use]
    pub fn vectors(mut self) -> Self {
        self.is_vector = true;
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

    /// Number of components of its vectors; 1 where entries stand alone.
    pub fn vector_len(&self) -> usize {
        if self.is_vector { self.shape.last().copied().unwrap_or(1) } else { 1 }
    }

    /// Entries that share one coordinate of the first dimension.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn a_coordinate_off_the_axis_names_its_neighbours() {
        let axis = Axis::points("time", "s", 300, 0.005);
        assert_eq!(axis.position(0.5), Ok(100));
        assert_eq!(axis.position(1.5), Ok(300));
        assert_eq!(axis.position(0.5012), Err((Some(100), Some(101))));
        assert_eq!(axis.position(2.0), Err((Some(300), None)));
        assert_eq!(axis.position(-1.0), Err((None, Some(0))));
        assert!((axis.weights.iter().sum::<f64>() - 1.5).abs() < 1e-14);
    }
}

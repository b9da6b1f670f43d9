//! What a function gives, as numbers: they become JSON after the clock has stopped.

use serde_json::{Value, json};

/// The answer of a function.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// A number.
    Number(f64),
    /// A list of numbers.
    List(Vec<f64>),
    /// A matrix of so many columns, row by row.
    Rows(Vec<f64>, usize),
    /// Gradient of a Gaussian mixture of so many components in so many dimensions, in the order of its parameters.
    Mixture { gradient: Vec<f64>, dimensions: usize, components: usize },
    /// The two residuals of the first reprojection and the first residual of a weight, of as many observations.
    Residuals { reprojection: [f64; 2], weight: f64, observations: usize },
    /// What is asked of a sparse matrix: the first entries, and the last.
    Sparse { rows: Vec<usize>, columns: Vec<usize>, values: Vec<f64> },
}

impl Output {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Number(value) => vec![*value],
            Self::List(values) | Self::Rows(values, _) | Self::Sparse { values, .. } => {
                values.clone()
            }
            Self::Mixture { gradient, .. } => gradient.clone(),
            Self::Residuals { reprojection: [a, b], weight, .. } => vec![*a, *b, *weight],
        }
    }

    /// Whether JSON has a place for it.
    pub(crate) fn is_finite(&self) -> bool {
        self.numbers().iter().all(|v| v.is_finite())
    }

    /// In the form of the benchmark.
    pub(crate) fn to_json(&self) -> Value {
        let rows = |values: &[f64], columns: usize| -> Value {
            values.chunks(columns.max(1)).map(|row| json!(row)).collect()
        };
        match self {
            Self::Number(value) => json!(value),
            Self::List(values) => json!(values),
            Self::Rows(values, columns) => rows(values, *columns),
            Self::Mixture { gradient, dimensions, components } => {
                let (d, k) = (*dimensions, *components);
                let (alpha, rest) = gradient.split_at(k);
                let (mu, factors) = rest.split_at(k * d);
                let part = |of: &dyn Fn(&[f64]) -> Value| -> Value {
                    factors.chunks(d * (d + 1) / 2).map(of).collect()
                };
                json!({
                    "alpha": alpha,
                    "mu": rows(mu, d),
                    "q": part(&|f| json!(f[..d])),
                    "l": part(&|f| json!(f[d..])),
                })
            }
            Self::Residuals { reprojection, weight, observations } => json!({
                "reproj_error": { "elements": reprojection, "repeated": observations },
                "w_err": { "element": weight, "repeated": observations },
            }),
            Self::Sparse { rows, columns, values } => {
                json!({ "rows": rows, "cols": columns, "vals": values })
            }
        }
    }
}

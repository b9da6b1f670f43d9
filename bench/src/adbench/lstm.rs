//! Long short-term memory with diagonal weights: `l` layers of `b` cells read a sequence of `c` vectors and predict the next.
//!
//! Layer: `f = s(x w_f + b_f)`, `i = s(h w_i + b_i)`, `o = s(x w_o + b_o)`, `g = tanh(h w_g + b_g)`, `c' = c f + i g`,
//! `h' = o tanh c'`. The input is `x_t w_in`, each layer reads the one below, the prediction is `y = h' w_out + b_out`;
//! `F = -1/((c-1) b) sum_t sum_j x_(t+1),j (y_j - ln(2 + sum exp y))`.
//! Parameters: for each layer weights `f i o g`, then biases; then `w_in, w_out, b_out`. State: for each layer `h`, then `c`.

use std::path::Path;

use cotangent_ad::program::{ReplayError, ScanProgram, Traced};
use cotangent_ad::random::Stream;
use cotangent_ad::{Real, Schedule};

use super::{numbers, sizes};

/// Sizes and data.
#[derive(Clone, Debug)]
pub(crate) struct Lstm {
    layers: usize,
    /// Cells in a layer.
    b: usize,
    state: Vec<f64>,
    /// Vectors, row by row.
    sequence: Vec<f64>,
}

fn sigmoid<R: Real>(x: R) -> R {
    ((-x).exp() + 1.0).recip()
}

impl Lstm {
    /// Layers, cells in each, the state at the start and the vectors row by row.
    pub(crate) fn new(layers: usize, b: usize, state: Vec<f64>, sequence: Vec<f64>) -> Self {
        Self { layers, b, state, sequence }
    }

    /// Data of the original's shape, and parameters.
    pub(crate) fn generate(layers: usize, c: usize, b: usize) -> (Self, Vec<f64>) {
        let stream = Stream::new(&[0x6c73_746d, layers as u64, c as u64, b as u64]);
        let draw = |first: usize, n: usize| -> Vec<f64> {
            (first..first + n).map(|k| stream.uniform(k as u64)).collect()
        };
        let (size, kept) = (8 * layers * b + 3 * b, 2 * layers * b);
        let p = draw(0, size);
        let (state, sequence) = (draw(size, kept), draw(size + kept, c * b));
        (Self::new(layers, b, state, sequence), p)
    }

    /// An original file.
    pub(crate) fn read(path: &Path) -> Option<(Self, Vec<f64>)> {
        let all = numbers(path)?;
        let [layers, c, b] = sizes(&all);
        let (p, rest) = all[3..].split_at(8 * layers * b + 3 * b);
        let (state, sequence) = rest.split_at(2 * layers * b);
        let (state, sequence) = (state.to_vec(), sequence[..c * b].to_vec());
        Some((Self::new(layers, b, state, sequence), p.to_vec()))
    }

    fn vectors(&self) -> usize {
        self.sequence.len() / self.b
    }

    fn scale(&self) -> f64 {
        -1.0 / ((self.vectors() - 1) * self.b) as f64
    }

    /// One vector read: the next state, and this prediction's share of the sum. `item` is the vector and the one after it.
    pub(crate) fn step<R: Real>(&self, state: &[R], item: &[R], p: &[R]) -> (Vec<R>, R) {
        let b = self.b;
        let (main, extra) = p.split_at(8 * self.layers * b);
        let (now, next) = item.split_at(b);
        let mut x: Vec<R> = (0..b).map(|j| now[j] * extra[j]).collect();
        let mut after = Vec::with_capacity(state.len());
        for (s, w) in state.chunks_exact(2 * b).zip(main.chunks_exact(8 * b)) {
            let (hidden, cell) = s.split_at(b);
            let (weight, bias) = w.split_at(4 * b);
            let gate = |x: R, k: usize| x * weight[k] + bias[k];
            let (mut cells, mut hiddens) = (Vec::with_capacity(b), Vec::with_capacity(b));
            for j in 0..b {
                let forget = sigmoid(gate(x[j], j));
                let input = sigmoid(gate(hidden[j], b + j));
                let output = sigmoid(gate(x[j], 2 * b + j));
                let change = gate(hidden[j], 3 * b + j).tanh();
                let c = cell[j] * forget + input * change;
                cells.push(c);
                hiddens.push(output * c.tanh());
            }
            after.extend_from_slice(&hiddens);
            after.append(&mut cells);
            x = hiddens;
        }
        let y: Vec<R> = (0..b).map(|j| x[j] * extra[b + j] + extra[2 * b + j]).collect();
        let norm = y.iter().fold(R::lit(2.0), |s, y| s + y.exp()).ln();
        let share = y.iter().zip(next).fold(R::lit(0.0), |s, (y, x)| s + *x * (*y - norm));
        (after, share)
    }

    /// The objective.
    pub(crate) fn objective<R: Real>(&self, p: &[R]) -> R {
        let mut state: Vec<R> = self.state.iter().map(|s| R::lit(*s)).collect();
        let mut total = R::lit(0.0);
        for k in 0..self.vectors() - 1 {
            let item = self.sequence[k * self.b..][..2 * self.b].iter();
            let item: Vec<R> = item.map(|x| R::lit(*x)).collect();
            let (after, share) = self.step(&state, &item, p);
            state = after;
            total += share;
        }
        total * self.scale()
    }

    /// Every vector with the one after it.
    fn items(&self) -> Vec<f64> {
        let pairs = (0..self.vectors() - 1).map(|k| &self.sequence[k * self.b..][..2 * self.b]);
        pairs.flatten().copied().collect()
    }

    /// The step as a program.
    pub(crate) fn record(&self, p: &[f64]) -> Result<ScanProgram, ReplayError> {
        let step = |state: &[Traced], item: &[Traced], p: &[Traced]| {
            let (after, share) = self.step(state, item, p);
            (after, vec![share])
        };
        ScanProgram::record(step, &self.state, &self.sequence[..2 * self.b], p)
    }

    /// Value and gradient by the library.
    pub(crate) fn gradient(
        &self,
        program: &ScanProgram,
        p: &[f64],
    ) -> Result<(f64, Vec<f64>), ReplayError> {
        let (rest, scale) = (vec![0.0; self.state.len()], self.scale());
        let schedule = Schedule::StoreAll;
        let g = program.vjp(&self.state, &self.items(), p, &rest, &[scale], schedule)?;
        Ok((g.outputs[0] * scale, g.p_bar))
    }

    /// Value and gradient by hand.
    pub(crate) fn adjoint(&self, p: &[f64]) -> (f64, Vec<f64>) {
        adjoint::adjoint(self, p)
    }

    /// The objective by hand: what generic code may lose against.
    pub(crate) fn by_hand(&self, p: &[f64]) -> f64 {
        adjoint::value(self, p)
    }
}

mod adjoint;

#[cfg(test)]
mod tests {
    use cotangent_ad::{Schedule, jacobian_forward};

    use super::Lstm;
    use crate::adbench::difference;

    #[test]
    fn all_gradients_agree() {
        let (lstm, p) = Lstm::generate(2, 23, 3);
        let value = lstm.objective(&p);
        let duals = jacobian_forward(|p| vec![lstm.objective(p)], &p);
        let program = lstm.record(&p).unwrap();
        let (program_value, gradient) = lstm.gradient(&program, &p).unwrap();
        let (hand_value, hand) = lstm.adjoint(&p);
        for found in [program_value, hand_value, lstm.by_hand(&p)] {
            assert!((found - value).abs() < 1e-13 * value.abs(), "{found} {value}");
        }
        for found in [&gradient, &hand] {
            assert!(difference(found, &duals) < 1e-12);
        }
        let zero = vec![0.0; lstm.state.len()];
        let stored = program.vjp(&lstm.state, &lstm.items(), &p, &zero, &[1.0], Schedule::StoreAll);
        for schedule in [Schedule::Revolve { slots: 3 }, Schedule::Mixed { slots: 3 }] {
            let found = program.vjp(&lstm.state, &lstm.items(), &p, &zero, &[1.0], schedule);
            assert_eq!(found, stored, "bit for bit");
        }
    }
}

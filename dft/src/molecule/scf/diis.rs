//! Direct inversion in the iterative subspace.
//!
//! Pulay, J. Comput. Chem. 3, 556 (1982), doi:10.1002/jcc.540030413: the next Fock matrix is the combination of the last ones whose
//! commutators `F P S - S P F` cancel best.

use crate::molecule::matrix::Matrix;

/// Matrices that are remembered.
const DEPTH: usize = 8;

/// Fock matrices of the last iterations with their errors.
#[derive(Debug, Default)]
pub(in crate::molecule) struct Diis {
    history: Vec<(Vec<Matrix>, Vec<f64>)>,
}

impl Diis {
    /// Remembers Fock matrices with their error, and combines.
    pub(in crate::molecule) fn extrapolate(
        &mut self,
        fock: &[Matrix],
        error: Vec<f64>,
    ) -> Vec<Matrix> {
        if self.history.len() == DEPTH {
            self.history.remove(0);
        }
        self.history.push((fock.to_vec(), error));
        loop {
            let Some(weights) = self.weights() else {
                // a combination that is not determined: the oldest says least
                if self.history.len() == 1 {
                    return fock.to_vec();
                }
                self.history.remove(0);
                continue;
            };
            let combine = |set: usize| {
                let mut sum = Matrix::zeros(fock[set].rows(), fock[set].columns());
                for (weight, (old, _)) in weights.iter().zip(&self.history) {
                    sum.add(*weight, &old[set]);
                }
                sum
            };
            return (0..fock.len()).map(combine).collect();
        }
    }

    /// Minimises `|sum_k c_k e_k|^2` under `sum_k c_k = 1`: with `B c = 1` up to a factor, from the eigenvectors of `B` scaled to a unit
    /// diagonal, so that a small error beside large ones keeps its digits.
    fn weights(&self) -> Option<Vec<f64>> {
        let m = self.history.len();
        let norms: Vec<f64> =
            self.history.iter().map(|(_, e)| dot(e, e).sqrt().max(f64::MIN_POSITIVE)).collect();
        let mut b = Matrix::zeros(m, m);
        for i in 0..m {
            for j in 0..m {
                b.entries_mut()[i * m + j] =
                    dot(&self.history[i].1, &self.history[j].1) / (norms[i] * norms[j]);
            }
        }
        let (values, vectors) = b.eigen()?;
        if values[0] < 1e-14 {
            return (m == 1).then(|| vec![1.0]);
        }
        let mut weights = vec![0.0; m];
        for k in 0..m {
            let along: f64 = (0..m).map(|i| vectors.at(i, k) / norms[i]).sum();
            for i in 0..m {
                weights[i] += vectors.at(i, k) * along / (values[k] * norms[i]);
            }
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        weights.iter().all(|w| w.is_finite()).then_some(weights)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

//! From internal coordinates to positions, and derivatives through that.

use faer::Mat;
use faer::linalg::solvers::{PartialPivLu, Solve};

use super::chart::{Chart, ChartError, row_of};
use super::force_field::Redundant;
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::newton::dot;

/// Largest move of a coordinate, in bohr or radian, for one stretch of the path.
const STRETCH: f64 = 0.2;
/// Most stretches.
const MOST_STRETCHES: usize = 400;
/// Most steps of Newton's method on a stretch.
const MOST_STEPS: usize = 30;
/// Last step of Newton's method, bohr.
const TOLERANCE: f64 = 1e-11;

/// Positions with what their derivatives are made of.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Positions, bohr.
    pub positions_bohr: Vec<[f64; 3]>,
    /// The named coordinates, as they were asked for.
    pub named: Vec<f64>,
    /// `J`, factorised.
    jacobian: PartialPivLu<f64>,
    named_len: usize,
    collective_len: usize,
}

impl Placed {
    /// `dx` for changes of the named and of the collective coordinates.
    ///
    /// # Panics
    /// Where there is not a change for each of them.
    pub fn pushforward(&self, named: &[f64], collective: &[f64]) -> Vec<f64> {
        assert_eq!((named.len(), collective.len()), (self.named_len, self.collective_len));
        let mut change = Mat::zeros(3 * self.positions_bohr.len(), 1);
        for (k, entry) in named.iter().chain(collective).enumerate() {
            change[(k, 0)] = *entry;
        }
        self.jacobian.solve(change).col_as_slice(0).to_vec()
    }

    /// Derivatives by the named and by the collective coordinates, from those by the positions.
    pub fn pullback(&self, by_positions: &[f64]) -> [Vec<f64>; 2] {
        let by = Mat::from_fn(by_positions.len(), 1, |k, _| by_positions[k]);
        let by = self.jacobian.solve_transpose(by);
        let (named, rest) = by.col_as_slice(0).split_at(self.named_len);
        [named.to_vec(), rest[..self.collective_len].to_vec()]
    }
}

/// A point of the path.
struct Point {
    positions: Vec<[f64; 3]>,
    /// Values of the named and of the redundant coordinates there, turns counted.
    named: Vec<f64>,
    redundant: Vec<f64>,
    /// `J`, factorised.
    jacobian: PartialPivLu<f64>,
}

impl Chart {
    /// The positions where the named and the collective coordinates have these values.
    ///
    /// # Errors
    /// [`ChartError::NoPositions`], [`ChartError::NonFinite`].
    ///
    /// # Panics
    /// Where there is not a value for each coordinate.
    pub fn place(&self, named: &[f64], collective: &[f64]) -> Result<Placed, ChartError> {
        let (named_len, collective_len) = (self.named.len(), self.collective_len());
        assert_eq!((named.len(), collective.len()), (named_len, collective_len));
        if !named.iter().chain(collective).all(|x| x.is_finite()) {
            return Err(ChartError::NonFinite);
        }
        let mut point = self.reference_point().ok_or(ChartError::NonFinite)?;
        let first = point.named.clone();
        let changes = named.iter().zip(&first).map(|(to, from)| to - from);
        let change: Vec<f64> = changes.chain(collective.iter().copied()).collect();
        let stretches = self.stretches(&point, &change);
        for stretch in 1..=stretches.min(MOST_STRETCHES) {
            let share = stretch as f64 / stretches as f64;
            let mut target: Vec<f64> = change.iter().map(|d| share * d).collect();
            target.iter_mut().zip(&first).for_each(|(d, from)| *d += from);
            let moved = if stretches > MOST_STRETCHES { None } else { self.moved(point, &target) };
            let percent = 100.0 * (stretch - 1) as f64 / stretches as f64;
            point = moved.ok_or(ChartError::NoPositions { percent })?;
        }
        let Point { positions, jacobian, .. } = point;
        let named = named.to_vec();
        Ok(Placed { positions_bohr: positions, named, jacobian, named_len, collective_len })
    }

    fn reference_point(&self) -> Option<Point> {
        let jacobian = self.jacobian(&self.reference)?;
        let (positions, redundant) = (self.reference.clone(), self.reference_redundant.clone());
        Some(Point { positions, named: self.values(), redundant, jacobian })
    }

    /// How many stretches the path to a change of the named and collective coordinates takes, at least one.
    fn stretches(&self, from: &Point, change: &[f64]) -> usize {
        let mut all = Mat::zeros(3 * self.reference.len(), 1);
        change.iter().enumerate().for_each(|(k, entry)| all[(k, 0)] = *entry);
        let motion = from.jacobian.solve(all);
        let moves = self.redundant.iter().filter_map(|q| {
            let row = row_of(&q.coordinate, &self.reference)?;
            Some(row.iter().zip(motion.col_as_slice(0)).map(|(b, dx)| b * dx).sum::<f64>().abs())
        });
        let largest = moves.fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let stretches = (largest / STRETCH).min(1e6).ceil() as usize;
        stretches.max(1)
    }

    /// Newton's method to where the named and the collective coordinates have their targets.
    fn moved(&self, mut point: Point, target: &[f64]) -> Option<Point> {
        for _ in 0..MOST_STEPS {
            let residual = self.residual(&point, target);
            let step = point.jacobian.solve(Mat::from_fn(residual.len(), 1, |k, _| residual[k]));
            let step = step.col_as_slice(0);
            for (x, dx) in point.positions.as_flattened_mut().iter_mut().zip(step) {
                *x -= dx;
            }
            let positions = &point.positions;
            for (value, one) in point.named.iter_mut().zip(&self.named) {
                *value += one.coordinate.difference(one.coordinate.value(positions)?, *value);
            }
            for (value, Redundant { coordinate, .. }) in
                point.redundant.iter_mut().zip(&self.redundant)
            {
                *value += coordinate.difference(coordinate.value(positions)?, *value);
            }
            point.jacobian = self.jacobian(positions)?;
            let largest = step.iter().fold(0.0_f64, |most, dx| most.max(dx.abs()));
            if !largest.is_finite() {
                return None;
            }
            if largest < TOLERANCE {
                return Some(point);
            }
        }
        None
    }

    /// What is too much of the named and the collective coordinates, and of translations and rotations.
    fn residual(&self, point: &Point, target: &[f64]) -> Vec<f64> {
        let (named, collective) = target.split_at(self.named.len());
        let mut residual: Vec<f64> = point.named.iter().zip(named).map(|(x, to)| x - to).collect();
        let columns = self.shares.columns();
        for (k, to) in collective.iter().enumerate() {
            let moves = point.redundant.iter().zip(&self.reference_redundant);
            let shares = self.shares.entries()[k..].iter().step_by(columns.max(1));
            residual.push(
                moves.zip(shares).map(|((q, q_0), share)| share * (q - q_0)).sum::<f64>() - to,
            );
        }
        let places = point.positions.as_flattened().iter().zip(self.reference.as_flattened());
        let moved: Vec<f64> = places.map(|(x, x_0)| x - x_0).collect();
        residual.extend(self.rigid.iter().map(|motion| dot(motion, &moved)));
        residual
    }

    /// `J` at some positions; `None` where a coordinate has no derivative.
    fn jacobian(&self, positions: &[[f64; 3]]) -> Option<PartialPivLu<f64>> {
        let n = 3 * positions.len();
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for one in &self.named {
            rows.push(row_of(&one.coordinate, positions)?);
        }
        let mut entries = Vec::new();
        for q in &self.redundant {
            entries.extend(row_of(&q.coordinate, positions)?);
        }
        let by_positions = Matrix::from_entries(self.redundant.len(), n, entries);
        let collective = self.shares.transposed().times(&by_positions);
        rows.extend(collective.entries().chunks(n).map(<[f64]>::to_vec));
        rows.extend(self.rigid.iter().cloned());
        Some(Mat::from_fn(n, n, |i, j| rows[i][j]).partial_piv_lu())
    }
}

//! Bundle adjustment: reprojection residuals of `p` observations of `m` points by `n` cameras, and their sparse Jacobian.
//!
//! Camera `r(3) C(3) f u0 v0 k1 k2`: `Y = Rodrigues(r) (X - C)`, `q = Y_xy / Y_z`, `e = w (f (1 + k1 |q|^2 + k2 |q|^4) q + (u0, v0) -
//! feature)`, and one residual `1 - w^2` a weight. The original files hold one observation, repeated: observation `i` is of
//! point `i mod m` by camera `i mod n`.

use std::path::Path;

use cotangent_ad::program::{ItemProgram, ReplayError, Traced};
use cotangent_ad::random::Stream;
use cotangent_ad::{Real, jacobian_forward};

use super::{numbers, sizes};

/// Inputs of one observation: camera, point, weight, feature.
pub(crate) const WIDTH: usize = 17;
/// Those that are differentiated.
pub(crate) const ACTIVE: usize = 15;

/// A problem.
#[derive(Clone, Debug)]
pub(crate) struct Ba {
    cameras: Vec<[f64; 11]>,
    points: Vec<[f64; 3]>,
    weights: Vec<f64>,
    features: Vec<[f64; 2]>,
}

/// Compressed rows: three an observation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Csr {
    pub(crate) rows: Vec<usize>,
    pub(crate) columns: Vec<u32>,
    pub(crate) values: Vec<f64>,
}

impl Ba {
    /// Of the original's shape, with every camera and point its own.
    pub(crate) fn generate(n: usize, m: usize, p: usize) -> Self {
        let stream = Stream::new(&[0x6261, n as u64, m as u64, p as u64]);
        let near = |at: f64, i: usize| at + 0.05 * stream.normal(i as u64);
        let camera = |c: usize| {
            let at = [0.2, -0.1, 0.3, 0.0, 0.1, -4.0, 500.0, 1.0, 2.0, 0.1, -0.05];
            std::array::from_fn(|k| near(at[k], 16 * c + k))
        };
        let point = |i: usize| std::array::from_fn(|k| near(0.0, 16 * n + 4 * i + k));
        Self {
            cameras: (0..n).map(camera).collect(),
            points: (0..m).map(point).collect(),
            weights: (0..p).map(|i| near(1.0, 16 * n + 4 * m + i)).collect(),
            features: vec![[10.0, -20.0]; p],
        }
    }

    /// So many cameras, points and observations, all of them the same.
    pub(crate) fn repeated(
        [n, m, p]: [usize; 3],
        camera: [f64; 11],
        point: [f64; 3],
        weight: f64,
        feature: [f64; 2],
    ) -> Self {
        Self {
            cameras: vec![camera; n],
            points: vec![point; m],
            weights: vec![weight; p],
            features: vec![feature; p],
        }
    }

    /// An original file.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let all = numbers(path)?;
        let camera = std::array::from_fn(|k| all[3 + k]);
        let point = std::array::from_fn(|k| all[14 + k]);
        Some(Self::repeated(sizes(&all), camera, point, all[17], [all[18], all[19]]))
    }

    pub(crate) fn observations(&self) -> usize {
        self.weights.len()
    }

    fn of(&self, i: usize) -> ([f64; 11], [f64; 3], f64, [f64; 2]) {
        let (c, x) = (i % self.cameras.len(), i % self.points.len());
        (self.cameras[c], self.points[x], self.weights[i], self.features[i])
    }

    /// Inputs of every observation, gathered.
    pub(crate) fn items(&self) -> Vec<f64> {
        let mut items = Vec::with_capacity(self.observations() * WIDTH);
        for i in 0..self.observations() {
            let (camera, point, weight, feature) = self.of(i);
            items.extend_from_slice(&camera);
            items.extend_from_slice(&point);
            items.push(weight);
            items.extend_from_slice(&feature);
        }
        items
    }

    /// All residuals: the objective.
    pub(crate) fn residuals(&self) -> Vec<f64> {
        let mut all = Vec::with_capacity(3 * self.observations());
        for i in 0..self.observations() {
            let (camera, point, weight, feature) = self.of(i);
            all.extend(residual(&camera, &point, weight, &feature));
        }
        all
    }

    /// Rows and columns, for blocks whose entries are at `pattern`.
    fn structure(&self, pattern: &[[usize; 2]], values: Vec<f64>) -> Csr {
        let (n, m) = (self.cameras.len(), self.points.len());
        let mut csr = Csr { values, ..Csr::default() };
        csr.rows.reserve(3 * self.observations() + 1);
        csr.columns.reserve(csr.values.len());
        for i in 0..self.observations() {
            let (camera, point, weight) = (11 * (i % n), 11 * n + 3 * (i % m), 11 * n + 3 * m + i);
            let mut row = usize::MAX;
            for &[r, k] in pattern {
                if r != row {
                    csr.rows.push(csr.columns.len());
                    row = r;
                }
                let column = match k {
                    0..11 => camera + k,
                    11..14 => point + k - 11,
                    _ => weight,
                };
                csr.columns.push(u32::try_from(column).expect("fewer than 2^32 columns"));
            }
        }
        csr.rows.push(csr.columns.len());
        csr
    }

    /// The residuals of an observation as a program.
    pub(crate) fn record(&self) -> Result<ItemProgram, ReplayError> {
        let f = |z: &[Traced], _: &[Traced]| {
            residual(array(z), array(&z[11..]), z[14], array(&z[15..])).to_vec()
        };
        ItemProgram::record(f, WIDTH, &[], &self.items())
    }

    /// The sparse Jacobian by the library.
    pub(crate) fn jacobian(&self, program: &ItemProgram) -> Result<Csr, ReplayError> {
        let by: Vec<usize> = (0..ACTIVE).collect();
        let blocks = program.jacobian(&self.items(), &[], &by)?;
        Ok(self.structure(&blocks.pattern, blocks.entries))
    }

    /// All entries of a Jacobian beside those by duals: three rows of `ACTIVE` entries an observation.
    pub(crate) fn beside_duals(&self, jacobian: &Csr) -> [Vec<f64>; 2] {
        let (n, m) = (self.cameras.len(), self.points.len());
        let [mut found, mut exact] = [Vec::new(), Vec::new()];
        for (i, item) in self.items().chunks(WIDTH).enumerate() {
            let f = |z: &[_]| residual(array(z), array(&z[11..]), z[14], array(&z[15..])).to_vec();
            let duals = jacobian_forward(f, item);
            let (camera, point) = (11 * (i % n), 11 * n + 3 * (i % m));
            let columns: Vec<usize> =
                (camera..camera + 11).chain(point..point + 3).chain([11 * n + 3 * m + i]).collect();
            for row in 0..3 {
                found.extend(jacobian.dense_row(&columns, 3 * i + row));
                exact.extend_from_slice(&duals[row * WIDTH..][..ACTIVE]);
            }
        }
        [found, exact]
    }

    /// The sparse Jacobian by hand.
    pub(crate) fn by_hand(&self) -> Csr {
        let pattern: Vec<[usize; 2]> =
            (0..2).flat_map(|r| (0..ACTIVE).map(move |k| [r, k])).chain([[2, 14]]).collect();
        let mut values = Vec::with_capacity(self.observations() * pattern.len());
        for i in 0..self.observations() {
            let (camera, point, weight, feature) = self.of(i);
            let [a, b] = block_by_hand(&camera, &point, weight, &feature);
            values.extend_from_slice(&a);
            values.extend_from_slice(&b);
            values.push(-2.0 * weight);
        }
        self.structure(&pattern, values)
    }
}

fn array<R, const N: usize>(x: &[R]) -> &[R; N] {
    x.first_chunk().expect("an observation has all its inputs")
}

fn cross<R: Real>(a: [R; 3], b: [R; 3]) -> [R; 3] {
    let entry = |i: usize, j: usize| a[i] * b[j] - a[j] * b[i];
    [entry(1, 2), entry(2, 0), entry(0, 1)]
}

fn dot<R: Real>(a: [R; 3], b: [R; 3]) -> R {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// `x` turned by the rotation vector `r`.
fn rodrigues<R: Real>(r: [R; 3], x: [R; 3]) -> [R; 3] {
    let square = dot(r, r);
    if square > R::lit(0.0) {
        let angle = square.sqrt();
        let (sin, cos) = angle.sin_cos();
        let axis = r.map(|r| r / angle);
        let turned = cross(axis, x);
        let along = dot(axis, x) * (-cos + 1.0);
        std::array::from_fn(|k| x[k] * cos + turned[k] * sin + axis[k] * along)
    } else {
        let turned = cross(r, x);
        std::array::from_fn(|k| x[k] + turned[k])
    }
}

/// The three residuals of one observation.
pub(crate) fn residual<R: Real>(c: &[R; 11], x: &[R; 3], w: R, feature: &[R; 2]) -> [R; 3] {
    let centred = std::array::from_fn(|k| x[k] - c[3 + k]);
    let y = rodrigues([c[0], c[1], c[2]], centred);
    let q = [y[0] / y[2], y[1] / y[2]];
    let square = q[0] * q[0] + q[1] * q[1];
    let scale = (c[9] * square + c[10] * square * square + 1.0) * c[6];
    let e: [R; 2] = std::array::from_fn(|k| w * (q[k] * scale + c[7 + k] - feature[k]));
    [e[0], e[1], -(w * w) + 1.0]
}

/// The rows of the two reprojection residuals, by hand.
fn block_by_hand(c: &[f64; 11], x: &[f64; 3], w: f64, feature: &[f64; 2]) -> [[f64; ACTIVE]; 2] {
    let r = [c[0], c[1], c[2]];
    let u: [f64; 3] = std::array::from_fn(|k| x[k] - c[3 + k]);
    let angle = dot(r, r).sqrt();
    let (sin, cos) = angle.sin_cos();
    let axis = r.map(|r| r / angle);
    let turned = cross(axis, u);
    let along = dot(axis, u);
    let y: [f64; 3] =
        std::array::from_fn(|k| u[k] * cos + turned[k] * sin + axis[k] * along * (1.0 - cos));
    // columns of dY/dr: the angle changes by axis_i, the axis by (e_i - axis axis_i) / angle
    let swing: [f64; 3] =
        std::array::from_fn(|k| -sin * u[k] + cos * turned[k] + sin * axis[k] * along);
    let by_rotation: [[f64; 3]; 3] = std::array::from_fn(|i| {
        let d: [f64; 3] =
            std::array::from_fn(|k| (f64::from(u8::from(k == i)) - axis[k] * axis[i]) / angle);
        let (turn, shift) = (cross(d, u), dot(d, u));
        std::array::from_fn(|k| {
            axis[i] * swing[k] + sin * turn[k] + (1.0 - cos) * (d[k] * along + axis[k] * shift)
        })
    });
    // rows of the rotation matrix: dY/dX
    let by_point: [[f64; 3]; 3] = std::array::from_fn(|i| {
        let unit: [f64; 3] = std::array::from_fn(|k| f64::from(u8::from(k == i)));
        let turn = cross(axis, unit);
        std::array::from_fn(|k| unit[k] * cos + turn[k] * sin + axis[k] * axis[i] * (1.0 - cos))
    });
    let inverse = 1.0 / y[2];
    let q = [y[0] * inverse, y[1] * inverse];
    let square = q[0] * q[0] + q[1] * q[1];
    let distortion = 1.0 + c[9] * square + c[10] * square * square;
    let slope = 2.0 * c[9] + 4.0 * c[10] * square;
    let mut rows = [[0.0; ACTIVE]; 2];
    for (k, row) in rows.iter_mut().enumerate() {
        // de_k/dq, then de_k/dY
        let by_q: [f64; 2] = std::array::from_fn(|l| {
            w * c[6] * (slope * q[k] * q[l] + if k == l { distortion } else { 0.0 })
        });
        let by_y =
            [by_q[0] * inverse, by_q[1] * inverse, -(by_q[0] * q[0] + by_q[1] * q[1]) * inverse];
        for i in 0..3 {
            row[i] = dot(by_y, by_rotation[i]);
            row[11 + i] = dot(by_y, by_point[i]);
            row[3 + i] = -row[11 + i];
        }
        row[6] = w * q[k] * distortion;
        row[7 + k] = w;
        row[9] = w * c[6] * q[k] * square;
        row[10] = row[9] * square;
        row[14] = q[k] * distortion * c[6] + c[7 + k] - feature[k];
    }
    rows
}

impl Csr {
    /// The entries of a row in these columns.
    pub(crate) fn dense_row(&self, columns: &[usize], row: usize) -> Vec<f64> {
        let range = self.rows[row]..self.rows[row + 1];
        let mut dense = vec![0.0; columns.len()];
        for (column, value) in self.columns[range.clone()].iter().zip(&self.values[range]) {
            let at = columns.iter().position(|c| *c == *column as usize);
            dense[at.expect("a row has entries of its own observation alone")] += value;
        }
        dense
    }

    /// Frobenius norm.
    pub(crate) fn norm(&self) -> f64 {
        super::norm(&self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::Ba;
    use crate::adbench::difference;

    #[test]
    fn the_sparse_jacobians_agree_with_duals() {
        let ba = Ba::generate(3, 5, 29);
        for jacobian in [ba.jacobian(&ba.record().unwrap()).unwrap(), ba.by_hand()] {
            let [found, exact] = ba.beside_duals(&jacobian);
            assert!(exact.len() == 29 * 45 && difference(&found, &exact) < 1e-12);
        }
    }
}

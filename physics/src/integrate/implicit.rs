//! Steps that are implicit in velocities: `(M + h E) a = f`.
//!
//! MuJoCo's `implicitfast`: `E = -d tau/dv` of damping, of dampers along tendons, of actuators and of the fluid, without the derivative of
//! the bias forces. What `E` has between two branches of a tree, or two trees, is left out, so that `L^T D L` fills nothing in
//! (Featherstone 2008, section 6.5). A free body with nothing on it is small enough for the whole derivative: its six equations have
//! that of their bias forces too ([`gyration`]), are not symmetric, and are solved by themselves.

use cotangent_ad::{Num, Real};

use super::gyration::{self, Block, SIZE};
use crate::aba;
use crate::crba::mass_matrix;
use crate::force::{self, Point, damping_slope};
use crate::model::Model;
use crate::scratch::Scratch;
use crate::spatial::{Motion, SpatialInertia};

/// What a step is implicit in, and its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Implicit {
    /// In nothing.
    Nothing,
    /// In the damping of coordinates.
    Damping(f64),
    /// In all forces that depend on velocities but the bias forces.
    Forces(f64),
}

/// Factors of `M + h E` that the articulated bodies do not have.
#[derive(Clone, Debug)]
pub(crate) struct ImplicitFactors<T> {
    /// `h E` where it is diagonal.
    diagonal: Vec<T>,
    /// Lower triangle of `M + h E`, then its factors; where it is not diagonal.
    matrix: Vec<T>,
    /// Of each lone free body.
    blocks: Vec<Block<T>>,
    /// Axes of the coordinates that move one body, in its frame.
    path: Vec<(usize, Motion<T>)>,
}

impl<T> Default for ImplicitFactors<T> {
    fn default() -> Self {
        Self { diagonal: vec![], matrix: vec![], blocks: vec![], path: vec![] }
    }
}

/// Whether two coordinates are on one branch of a tree.
pub(crate) fn is_on_branch(model: &Model, a: usize, b: usize) -> bool {
    let (low, mut at) = (a.min(b), Some(a.max(b)));
    while let Some(d) = at.filter(|d| *d > low) {
        at = model.dof_parent[d];
    }
    at == Some(low)
}

/// Factors of the step's matrix, after the velocities of the links.
pub(crate) fn factorize<T: Real>(p: &Point<'_, T>, implicit: Implicit, s: &mut Scratch<T>) {
    let (model, parameters) = (p.model, p.parameters);
    match implicit {
        Implicit::Nothing => aba::factorize(model, parameters, |_| None, s),
        Implicit::Damping(h) => {
            let slope = |d: usize| Some(damping_slope(model, parameters, d, p.v[d]) * h);
            aba::factorize(model, parameters, slope, s);
        }
        Implicit::Forces(_) if model.couples_velocities() => {
            mass_matrix(model, parameters, s);
            factorize_matrix(p, implicit, s);
        }
        Implicit::Forces(h) => {
            let mut factors = std::mem::take(&mut s.implicit);
            factors.set_diagonal(p, h);
            aba::factorize(model, parameters, |d| Some(factors.diagonal[d]), s);
            factors.gather_blocks(p, (h, false), s);
            s.implicit = factors;
        }
    }
}

/// Factors of the step's matrix entry by entry, for [`solve_rows`], after the mass matrix.
pub(crate) fn factorize_matrix<T: Real>(p: &Point<'_, T>, implicit: Implicit, s: &mut Scratch<T>) {
    let (model, n) = (p.model, p.model.nv());
    let mut factors = std::mem::take(&mut s.implicit);
    factors.matrix.clone_from(&s.mass);
    factors.blocks.clear();
    if let Implicit::Damping(h) | Implicit::Forces(h) = implicit {
        for d in 0..n {
            factors.matrix[d * n + d] += damping_slope(model, p.parameters, d, p.v[d]) * h;
        }
    }
    if let Implicit::Forces(h) = implicit {
        factors.add_slopes(p, h, s);
        factors.gather_blocks(p, (h, true), s);
    }
    factors.eliminate(model);
    s.implicit = factors;
}

/// `X <- A^-1 X` with the factors of [`factorize_matrix`], `X` being `nv` rows of `width`.
pub(crate) fn solve_rows(model: &Model, (rows, width): (&mut [f64], usize), s: &mut Scratch) {
    let factors = &mut s.implicit;
    if factors.blocks.is_empty() {
        factors.substitute_rows(model, rows, width);
        return;
    }
    let mut x = vec![0.0; model.nv()];
    for column in 0..width {
        x.iter_mut().zip(rows.chunks_exact(width)).for_each(|(x, row)| *x = row[column]);
        factors.blocks.iter_mut().for_each(|block| block.take(&x));
        factors.substitute(model, &mut x);
        factors.blocks.iter().for_each(|block| block.solve(&mut x, false));
        rows.chunks_exact_mut(width).zip(&x).for_each(|(row, x)| row[column] = *x);
    }
}

/// Adds `factor` times a row to another, of rows of `width`.
#[inline]
pub(crate) fn add_row(rows: &mut [f64], width: usize, (to, factor, from): (usize, f64, usize)) {
    let (low, high) = rows.split_at_mut(to.max(from) * width);
    let (target, source) = if to < from {
        (&mut low[to * width..][..width], &high[..width])
    } else {
        (&mut high[..width], &low[from * width..][..width])
    };
    target.iter_mut().zip(source).for_each(|(x, y)| *x += factor * y);
}

/// `x <- A^-1 x` with the factors of the step's matrix, or with its transpose.
pub(crate) fn solve<T: Real>(
    model: &Model,
    implicit: Implicit,
    x: &mut [T],
    transposed: bool,
    s: &mut Scratch<T>,
) {
    if !matches!(implicit, Implicit::Forces(_)) {
        aba::solve(model, x, s);
        return;
    }
    let mut factors = std::mem::take(&mut s.implicit);
    for block in &mut factors.blocks {
        block.take(x);
    }
    if model.couples_velocities() {
        factors.substitute(model, x);
    } else {
        aba::solve(model, x, s);
    }
    factors.blocks.iter().for_each(|block| block.solve(x, transposed));
    s.implicit = factors;
}

impl<T: Real> ImplicitFactors<T> {
    /// `h E` of a model in which it is diagonal.
    fn set_diagonal(&mut self, p: &Point<'_, T>, h: f64) {
        self.diagonal.clear();
        let damping = |d: usize| damping_slope(p.model, p.parameters, d, p.v[d]) * h;
        self.diagonal.extend((0..p.model.nv()).map(damping));
        force::each_slope(p, |slope, moments| {
            moments(&mut |d, m| self.diagonal[d] += slope * (m * m * h));
        });
    }

    /// Adds `h E` without the damping of coordinates to the matrix.
    fn add_slopes(&mut self, p: &Point<'_, T>, h: f64, s: &Scratch<T>) {
        let (model, n) = (p.model, p.model.nv());
        force::each_slope(p, |slope, moments| {
            moments(&mut |i, m| {
                moments(&mut |j, w| {
                    if j <= i && is_on_branch(model, i, j) {
                        self.matrix[i * n + j] += slope * (m * w * h);
                    }
                });
            });
        });
        force::each_drag(model, p.parameters, s, |link, inside, slopes| {
            self.path.clear();
            let mut dof = model.last_dof(Some(link));
            while let Some(d) = dof {
                self.path.push((d, inside(s.axis[d])));
                dof = model.dof_parent[d];
            }
            for (k, (i, a)) in self.path.iter().enumerate() {
                for (j, b) in &self.path[k..] {
                    let mut sum = T::lit(0.0);
                    for c in 0..3 {
                        sum += slopes[c] * a.angular[c] * b.angular[c];
                        sum += slopes[3 + c] * a.linear[c] * b.linear[c];
                    }
                    self.matrix[i * n + j] += sum * h;
                }
            }
        });
    }

    /// The equations of each lone free body, of the `whole` matrix before it is factored or of its inertia and `h E`.
    fn gather_blocks(&mut self, p: &Point<'_, T>, (h, whole): (f64, bool), s: &Scratch<T>) {
        let (model, n) = (p.model, p.model.nv());
        let (matrix, diagonal) = (&self.matrix, &self.diagonal);
        self.blocks.clear();
        for &link in &model.free_bodies {
            let first = model.links[link].v_at + 3 - SIZE;
            let entry = |i: usize, j: usize| {
                let (i, j) = (first + i.max(j), first + i.min(j));
                if whole {
                    return matrix[i * n + j];
                }
                // what moves without turning carries the link that turns
                let carried =
                    if i < first + 3 { s.inertia[link - 1] } else { SpatialInertia::zero() };
                let mass = s.axis[j].dot((s.inertia[link] + carried).apply(s.axis[i]));
                if i == j { mass + p.parameters.armature[i] + diagonal[i] } else { mass }
            };
            let mut block = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
            gyration::add_slope(p, link, h, &mut block, s);
            self.blocks.push(Block::factorized(first, block));
        }
    }
}

impl<T: Num> ImplicitFactors<T> {
    /// `L^T D L` in place.
    fn eliminate(&mut self, model: &Model) {
        let n = model.nv();
        for k in (0..n).rev() {
            let pivot = self.matrix[k * n + k].recip();
            let mut i = model.dof_parent[k];
            while let Some(row) = i {
                let factor = self.matrix[k * n + row] * pivot;
                let mut j = i;
                while let Some(column) = j {
                    let change = self.matrix[k * n + column] * factor;
                    self.matrix[row * n + column] -= change;
                    j = model.dof_parent[column];
                }
                self.matrix[k * n + row] = factor;
                i = model.dof_parent[row];
            }
        }
    }

    fn substitute(&self, model: &Model, x: &mut [T]) {
        let n = model.nv();
        for k in (0..n).rev() {
            let mut j = model.dof_parent[k];
            while let Some(column) = j {
                let change = self.matrix[k * n + column] * x[k];
                x[column] -= change;
                j = model.dof_parent[column];
            }
        }
        for k in 0..n {
            let mut sum = x[k] / self.matrix[k * n + k];
            let mut j = model.dof_parent[k];
            while let Some(column) = j {
                sum -= self.matrix[k * n + column] * x[column];
                j = model.dof_parent[column];
            }
            x[k] = sum;
        }
    }
}

impl ImplicitFactors<f64> {
    /// [`ImplicitFactors::substitute`] of many right sides at once.
    fn substitute_rows(&self, model: &Model, rows: &mut [f64], width: usize) {
        let n = model.nv();
        for k in (0..n).rev() {
            let mut j = model.dof_parent[k];
            while let Some(column) = j {
                add_row(rows, width, (column, -self.matrix[k * n + column], k));
                j = model.dof_parent[column];
            }
        }
        for k in 0..n {
            let pivot = self.matrix[k * n + k];
            rows[k * width..][..width].iter_mut().for_each(|x| *x /= pivot);
            let mut j = model.dof_parent[k];
            while let Some(column) = j {
                add_row(rows, width, (k, -self.matrix[k * n + column], column));
                j = model.dof_parent[column];
            }
        }
    }
}

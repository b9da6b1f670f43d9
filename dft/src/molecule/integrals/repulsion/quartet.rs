//! The integrals of one pair of shells with a batch of pairs.

use std::sync::LazyLock;

use pulp::{Arch, NullaryFnOnce};

use crate::molecule::integrals::boys::{Boys, MAX_ORDER};
use crate::molecule::integrals::hermite::{Order, count, gaussian, repulsion};
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::pair::Product;
use crate::molecule::integrals::repulsion::list::{Batch, ShellPair};

/// Room for the repulsions of all Hermite Gaussians; a power of two, so that masked indices need no check.
const ROOM: usize = 1024;
const _: () = assert!(count(MAX_ORDER) <= ROOM);

/// Which Hermite Gaussians of a pair meet the potential of others.
#[derive(Clone, Copy, Debug)]
pub(in crate::molecule) enum Rows {
    /// All up to a degree.
    UpTo(usize),
    /// All up to one above a degree, and after them the Laplacians of those of that degree. The derivative of a Gaussian by its exponent is a
    /// Laplacian, and that of a potential the charge that makes it: second derivatives are not needed one by one.
    WithLaplacians(usize),
}

impl Rows {
    /// How many these are.
    pub(in crate::molecule) fn count(self) -> usize {
        match self {
            Self::UpTo(degree) => count(degree),
            Self::WithLaplacians(degree) => count(degree + 1) + count(degree) - lower(degree),
        }
    }

    /// The highest degree that stands there itself.
    fn degree(self) -> usize {
        match self {
            Self::UpTo(degree) => degree,
            Self::WithLaplacians(degree) => degree + 1,
        }
    }

    /// Of `x` with these rows of `columns` those of all Hermite Gaussians. In place of the second derivatives of the highest degree stand
    /// some that have the right Laplacians: those with a power of `z` below two are zero.
    pub(in crate::molecule) fn completed(self, columns: usize, mut x: Vec<f64>) -> Vec<f64> {
        let Self::WithLaplacians(degree) = self else { return x };
        let laplacians = x.split_off(count(degree + 1) * columns);
        x.resize(count(degree + 2) * columns, 0.0);
        let order = Order::table();
        let mut each: Vec<_> =
            (lower(degree)..count(degree)).zip(laplacians.chunks(columns)).collect();
        each.sort_by_key(|(at, _)| order.powers[*at][2]);
        for (at, laplacian) in each {
            let [t, u, v] = order.powers[at];
            let of = |powers| order.position(powers) * columns;
            let (to, first, second) = (of([t, u, v + 2]), of([t + 2, u, v]), of([t, u + 2, v]));
            for k in 0..columns {
                x[to + k] = laplacian[k] - x[first + k] - x[second + k];
            }
        }
        x
    }
}

/// How many Hermite Gaussians are below a degree.
const fn lower(degree: usize) -> usize {
    if degree == 0 { 0 } else { count(degree - 1) }
}

/// Room that is used again from one batch to the next, and tables.
#[derive(Debug)]
pub(in crate::molecule) struct Kernel {
    arch: Arch,
    /// Two products whose sizes multiply to less are passed over.
    negligible: f64,
    order: &'static Order,
    boys: &'static Boys,
    /// Indices of sums by the two degrees.
    sums: &'static [Vec<usize>],
    hermite: Vec<Lane>,
    laplacian: Vec<Lane>,
    half: Vec<Lane>,
    block: Vec<Lane>,
}

/// Degrees of a side: two f functions and two derivatives.
const DEGREES: usize = 9;

/// Of two degrees the indices of all sums, in one table for the whole program: a kernel is made for every few pairs of shells.
fn sums() -> &'static [Vec<usize>] {
    static SUMS: LazyLock<Vec<Vec<usize>>> = LazyLock::new(|| {
        let order = Order::table();
        let mut sums = Vec::new();
        for first in 0..DEGREES {
            for second in 0..DEGREES {
                let fits = first + second <= MAX_ORDER;
                sums.push(if fits { order.sums(first, second) } else { Vec::new() });
            }
        }
        sums
    });
    &SUMS
}

impl Kernel {
    pub(in crate::molecule) fn new(negligible: f64) -> Self {
        Self {
            arch: Arch::new(),
            negligible,
            order: Order::table(),
            boys: Boys::table(),
            sums: sums(),
            hermite: vec![Lane::ZERO; ROOM],
            laplacian: vec![Lane::ZERO; ROOM],
            half: Vec::new(),
            block: Vec::new(),
        }
    }

    /// `(ab|cd)`: functions of the pair by functions of the batch, row-major, a lane for each pair of the batch.
    pub(in crate::molecule) fn run(&mut self, bra: &ShellPair, ket: &Batch) -> &[Lane] {
        self.run_with(bra, ket, bra.degree, |_, _| {})
    }

    /// The same, with [`Kernel::potential`] up to a degree that is not below that of the pair: `each` gets the place of every product
    /// of the pair with it.
    pub(in crate::molecule) fn run_with(
        &mut self,
        bra: &ShellPair,
        ket: &Batch,
        degree: usize,
        mut each: impl FnMut(usize, &[Lane]),
    ) -> &[Lane] {
        let size = bra.size() * ket.size;
        self.block.clear();
        self.block.resize(size, Lane::ZERO);
        let arch = self.arch;
        let rows = count(bra.degree) * bra.size();
        for (at, product) in bra.products.iter().enumerate() {
            each(at, self.potential(product, bra.sizes[at], Rows::UpTo(degree), ket));
            let coefficients = &bra.coefficients[at * rows..(at + 1) * rows];
            let (half, block) = (&self.half, &mut self.block);
            arch.dispatch(ExpandBra { coefficients, bra: bra.size(), half, ket: ket.size, block });
        }
        &self.block
    }

    /// `sum_cd,q sum_t' R_(t+t') E_t'^cd/sqrt(p + q)` for Hermite Gaussians of the exponent `p` and about the centre of a product of a size:
    /// [`Rows`] by functions of the batch, row-major, a lane for each pair.
    pub(in crate::molecule) fn potential(
        &mut self,
        product: &Product,
        size: f64,
        rows: Rows,
        ket: &Batch,
    ) -> &[Lane] {
        self.half.clear();
        self.half.resize(rows.count() * ket.size, Lane::ZERO);
        let arch = self.arch;
        arch.dispatch(HalfTransform { kernel: self, product, size, rows, ket });
        &self.half
    }

    /// `sum_q sum_t' R_(t+t') E_t'^cd/sqrt(p + q)` for Hermite Gaussians `t` of the exponent `p` and about the centre of a product, added to `half`.
    #[inline(always)]
    fn half_transform(&mut self, product: &Product, size: f64, rows: Rows, ket: &Batch) {
        let degree = rows.degree();
        let (p, at) = (Lane::splat(product.exponent), product.centre.map(Lane::splat));
        let (left, right) = (count(degree), count(ket.degree));
        let sums = &self.sums[degree * DEGREES + ket.degree];
        let block = right * ket.size;
        for (k, (q, to)) in ket.exponents.iter().zip(&ket.centres).enumerate() {
            if size * ket.sizes[k] < self.negligible {
                break;
            }
            let inverse = (p + *q).map(|sum| 1.0 / sum);
            let x = [at[0] - to[0], at[1] - to[1], at[2] - to[2]];
            let (alpha, scale) = (p * *q * inverse, inverse.map(f64::sqrt));
            let highest = degree + ket.degree;
            let laplacian =
                repulsion(self.order, self.boys, highest, alpha, scale, x, &mut self.hermite);
            let coefficients = &ket.coefficients[k * block..(k + 1) * block];
            let (potential, laplacians) = self.half.split_at_mut(left * ket.size);
            multiply(&self.hermite, sums, (left, right), coefficients, ket.size, potential);
            if let Rows::WithLaplacians(degree) = rows {
                let highest = degree + ket.degree;
                gaussian(self.order, highest, alpha, laplacian, x, &mut self.laplacian);
                let lower = lower(degree);
                let sums = &self.sums[degree * DEGREES + ket.degree][lower * right..];
                let shape = (count(degree) - lower, right);
                multiply(&self.laplacian, sums, shape, coefficients, ket.size, laplacians);
            }
        }
    }
}

/// [`Kernel::half_transform`] for the processor's vector instructions: a closure would not become part of the function that has them.
struct HalfTransform<'a> {
    kernel: &'a mut Kernel,
    product: &'a Product,
    size: f64,
    rows: Rows,
    ket: &'a Batch,
}

impl NullaryFnOnce for HalfTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.kernel.half_transform(self.product, self.size, self.rows, self.ket);
    }
}

/// `block_ab,cd += sum_t E_t,ab half_t,cd`.
struct ExpandBra<'a> {
    coefficients: &'a [f64],
    bra: usize,
    half: &'a [Lane],
    ket: usize,
    block: &'a mut [Lane],
}

impl NullaryFnOnce for ExpandBra<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        expand_bra(self.coefficients, self.bra, self.half, self.ket, self.block);
    }
}

/// `half_t,cd += sum_t' R_(t+t') E_t',cd`, in blocks that stay in registers.
#[inline(always)]
fn multiply(
    hermite: &[Lane],
    sums: &[usize],
    shape: (usize, usize),
    coefficients: &[Lane],
    size: usize,
    half: &mut [Lane],
) {
    match size {
        1 => columns::<1>(hermite, sums, shape, coefficients, size, half),
        _ if size.is_multiple_of(4) => columns::<4>(hermite, sums, shape, coefficients, size, half),
        _ if size.is_multiple_of(3) => columns::<3>(hermite, sums, shape, coefficients, size, half),
        _ if size.is_multiple_of(5) => columns::<5>(hermite, sums, shape, coefficients, size, half),
        _ => columns::<1>(hermite, sums, shape, coefficients, size, half),
    }
}

/// [`multiply`] in blocks of two rows and `N` columns, `N` a divisor of `size`.
#[inline(always)]
fn columns<const N: usize>(
    hermite: &[Lane],
    sums: &[usize],
    (left, right): (usize, usize),
    coefficients: &[Lane],
    size: usize,
    half: &mut [Lane],
) {
    let hermite: &[Lane; ROOM] = hermite.try_into().expect("the room has its size");
    let rows = sums[..left * right].chunks_exact(2 * right);
    let last = rows.remainder();
    for (t, (rows, half)) in rows.zip(half.chunks_exact_mut(2 * size)).enumerate() {
        debug_assert!(t < left);
        let (first, second) = rows.split_at(right);
        let (half_first, half_second) = half.split_at_mut(size);
        for column in (0..size).step_by(N) {
            let mut sum = [[Lane::ZERO; N]; 2];
            for ((i, j), e) in first.iter().zip(second).zip(coefficients.chunks_exact(size)) {
                let (x, y) = (hermite[i & (ROOM - 1)], hermite[j & (ROOM - 1)]);
                let e = &e[column..column + N];
                for k in 0..N {
                    sum[0][k] += x * e[k];
                    sum[1][k] += y * e[k];
                }
            }
            for k in 0..N {
                half_first[column + k] += sum[0][k];
                half_second[column + k] += sum[1][k];
            }
        }
    }
    if !last.is_empty() {
        let half = &mut half[(left - 1) * size..left * size];
        for (i, e) in last.iter().zip(coefficients.chunks_exact(size)) {
            let x = hermite[i & (ROOM - 1)];
            for (sum, e) in half.iter_mut().zip(e) {
                *sum += x * *e;
            }
        }
    }
}

/// `block_ab,cd += sum_t E_t,ab half_t,cd`.
#[inline(always)]
fn expand_bra(
    coefficients: &[f64],
    bra_size: usize,
    half: &[Lane],
    ket_size: usize,
    block: &mut [Lane],
) {
    for (row, target) in block.chunks_exact_mut(ket_size).enumerate() {
        let (wide, narrow) = target.split_at_mut(ket_size / 4 * 4);
        for (at, target) in wide.chunks_exact_mut(4).enumerate() {
            let mut sum = [Lane::ZERO; 4];
            for (e, half) in coefficients.chunks_exact(bra_size).zip(half.chunks_exact(ket_size)) {
                let half = &half[4 * at..4 * at + 4];
                for k in 0..4 {
                    sum[k] += half[k] * e[row];
                }
            }
            for k in 0..4 {
                target[k] += sum[k];
            }
        }
        let start = ket_size - narrow.len();
        for (k, target) in narrow.iter_mut().enumerate() {
            let mut sum = Lane::ZERO;
            for (e, half) in coefficients.chunks_exact(bra_size).zip(half.chunks_exact(ket_size)) {
                sum += half[start + k] * e[row];
            }
            *target += sum;
        }
    }
}

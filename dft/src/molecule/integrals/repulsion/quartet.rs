//! The integrals of one pair of shells with a batch of pairs.

use pulp::Arch;

use crate::molecule::integrals::boys::{Boys, MAX_ORDER};
use crate::molecule::integrals::hermite::{Order, count, repulsion};
use crate::molecule::integrals::lane::Lane;
use crate::molecule::integrals::repulsion::list::{Batch, ShellPair};

/// Room for the repulsions of all Hermite Gaussians; a power of two, so that masked indices need no check.
const ROOM: usize = 1024;
const _: () = assert!(count(MAX_ORDER) <= ROOM);

/// Room that is used again from one batch to the next, and tables.
#[derive(Debug)]
pub(in crate::molecule) struct Kernel {
    arch: Arch,
    order: &'static Order,
    boys: &'static Boys,
    /// Indices of sums by the two degrees.
    sums: Vec<Vec<usize>>,
    hermite: Vec<Lane>,
    half: Vec<Lane>,
    block: Vec<Lane>,
}

/// Degrees of a side: two f functions and two derivatives.
const DEGREES: usize = 9;

impl Kernel {
    pub(in crate::molecule) fn new() -> Self {
        let order = Order::table();
        let mut sums = Vec::new();
        for first in 0..DEGREES {
            for second in 0..DEGREES {
                let fits = first + second <= MAX_ORDER;
                sums.push(if fits { order.sums(first, second) } else { Vec::new() });
            }
        }
        Self {
            arch: Arch::new(),
            order,
            boys: Boys::table(),
            sums,
            hermite: vec![Lane::ZERO; ROOM],
            half: Vec::new(),
            block: Vec::new(),
        }
    }

    /// `(ab|cd)`: functions of the pair by functions of the batch, row-major, a lane for each pair of the batch.
    pub(in crate::molecule) fn run(&mut self, bra: &ShellPair, ket: &Batch) -> &[Lane] {
        let size = bra.size() * ket.size;
        let half_size = count(bra.degree) * ket.size;
        self.block.clear();
        self.block.resize(size, Lane::ZERO);
        let arch = self.arch;
        for (at, product) in bra.products.iter().enumerate() {
            self.half.clear();
            self.half.resize(half_size, Lane::ZERO);
            let rows = count(bra.degree) * bra.size();
            let coefficients = &bra.coefficients[at * rows..(at + 1) * rows];
            arch.dispatch(
                #[inline(always)]
                || {
                    self.half_transform(product.exponent, product.centre, bra.degree, ket);
                    expand_bra(coefficients, bra.size(), &self.half, ket.size, &mut self.block);
                },
            );
        }
        &self.block
    }

    /// `sum_cd,q sum_t' R_(t+t') E_t'^cd/sqrt(p + q)` for Hermite Gaussians up to `degree` of exponent `p` about `centre`: Hermite Gaussians
    /// by functions of the batch, row-major, a lane for each pair.
    pub(in crate::molecule) fn potential(
        &mut self,
        p: f64,
        centre: [f64; 3],
        degree: usize,
        ket: &Batch,
    ) -> &[Lane] {
        self.half.clear();
        self.half.resize(count(degree) * ket.size, Lane::ZERO);
        let arch = self.arch;
        arch.dispatch(
            #[inline(always)]
            || self.half_transform(p, centre, degree, ket),
        );
        &self.half
    }

    /// `sum_q sum_t' R_(t+t') E_t'^cd/sqrt(p + q)` for Hermite Gaussians `t` of exponent `p` about `centre`, added to `half`.
    #[inline(always)]
    fn half_transform(&mut self, p: f64, centre: [f64; 3], degree: usize, ket: &Batch) {
        let (p, at) = (Lane::splat(p), centre.map(Lane::splat));
        let (left, right) = (count(degree), count(ket.degree));
        let sums = &self.sums[degree * DEGREES + ket.degree];
        let block = right * ket.size;
        for (k, (q, to)) in ket.exponents.iter().zip(&ket.centres).enumerate() {
            let inverse = (p + *q).map(|sum| 1.0 / sum);
            let x = [at[0] - to[0], at[1] - to[1], at[2] - to[2]];
            repulsion(
                self.order,
                self.boys,
                degree + ket.degree,
                p * *q * inverse,
                inverse.map(f64::sqrt),
                x,
                &mut self.hermite,
            );
            let coefficients = &ket.coefficients[k * block..(k + 1) * block];
            multiply(&self.hermite, sums, (left, right), coefficients, ket.size, &mut self.half);
        }
    }
}

/// `half_t,cd += sum_t' R_(t+t') E_t',cd`, in blocks that stay in registers.
#[inline(always)]
fn multiply(
    hermite: &[Lane],
    sums: &[usize],
    (left, right): (usize, usize),
    coefficients: &[Lane],
    size: usize,
    half: &mut [Lane],
) {
    let hermite: &[Lane; ROOM] = hermite.try_into().expect("the room has its size");
    let mut t = 0;
    while t + 2 <= left {
        let (first, rest) = sums[t * right..].split_at(right);
        let second = &rest[..right];
        let mut column = 0;
        while column + 4 <= size {
            let mut sum = [[Lane::ZERO; 4]; 2];
            for ((i, j), e) in first.iter().zip(second).zip(coefficients.chunks_exact(size)) {
                let (x, y) = (hermite[i & (ROOM - 1)], hermite[j & (ROOM - 1)]);
                let e = &e[column..column + 4];
                for k in 0..4 {
                    sum[0][k] += x * e[k];
                    sum[1][k] += y * e[k];
                }
            }
            for k in 0..4 {
                half[t * size + column + k] += sum[0][k];
                half[(t + 1) * size + column + k] += sum[1][k];
            }
            column += 4;
        }
        for column in column..size {
            let mut sum = [Lane::ZERO; 2];
            for ((i, j), e) in first.iter().zip(second).zip(coefficients.chunks_exact(size)) {
                sum[0] += hermite[i & (ROOM - 1)] * e[column];
                sum[1] += hermite[j & (ROOM - 1)] * e[column];
            }
            half[t * size + column] += sum[0];
            half[(t + 1) * size + column] += sum[1];
        }
        t += 2;
    }
    for t in t..left {
        let row = &sums[t * right..(t + 1) * right];
        for (i, e) in row.iter().zip(coefficients.chunks_exact(size)) {
            let x = hermite[i & (ROOM - 1)];
            for (sum, e) in half[t * size..(t + 1) * size].iter_mut().zip(e) {
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
        for (e, half) in coefficients.chunks_exact(bra_size).zip(half.chunks_exact(ket_size)) {
            let e = e[row];
            if e != 0.0 {
                for (sum, x) in target.iter_mut().zip(half) {
                    *sum += *x * e;
                }
            }
        }
    }
}

//! Electron repulsion integrals `(ab|cd) = int a(1) b(1) 1/r_12 c(2) d(2)`.
//!
//! `(ab|cd) = sum_pq 2 pi^(5/2)/(p q sqrt(p + q)) sum_tt' E^ab_t E^cd_t' (-1)^t' R_(t+t')(pq/(p + q), P - Q)`: for each pair of shells
//! on the left, one matrix product by the coefficients of the right side for each two products of primitives, and one by those of the
//! left side at the end. The right side is a batch of pairs of the same angular momenta in `lane`s.

pub mod direct;
pub(in crate::molecule) mod list;
pub(in crate::molecule) mod quartet;
pub mod store;

//! Integrals over Gaussian basis functions, by McMurchie and Davidson's expansion in Hermite Gaussians.
//!
//! A product of two primitives is a sum of Hermite Gaussians `Lambda_tuv = d^(t+u+v)/dP_x^t dP_y^u dP_z^v exp(-p (r - P)^2)` about one
//! centre `P` (`pair`); contraction, normalisation and the angular functions are part of the coefficients. The repulsion of two
//! Hermite Gaussians is a derivative of the Boys function (`hermite`), so that two-electron integrals are small products of
//! matrices, computed for several pairs of shells side by side ([`repulsion`]). McMurchie & Davidson, J. Comput. Phys. 26, 218 (1978),
//! doi:10.1016/0021-9991(78)90092-X; Helgaker, Jorgensen & Olsen, *Molecular Electronic-Structure Theory* (2000), chapter 9.

#![expect(
    clippy::inline_always,
    reason = "a function that is not part of its caller has no vector instructions"
)]

pub(in crate::molecule) mod boys;
pub(in crate::molecule) mod hermite;
pub(in crate::molecule) mod lane;
pub mod one_electron;
pub(in crate::molecule) mod pair;
pub mod repulsion;

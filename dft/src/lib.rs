//! Differentiable Kohn-Sham density functional theory.
//!
//! [`one_d`] is the one-dimensional setting of Li et al., *Kohn-Sham equations as regularizer*, Phys. Rev. Lett. 126,
//! 036401 (2021): electrons on a line that repel by an exponential interaction, exact references, and functionals that
//! are trained through the self-consistent field. [`molecule`] has real molecules in three dimensions, in Gaussian basis sets.
//! Everything is in Hartree atomic units.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

mod exponential;
pub mod molecule;
pub mod one_d;

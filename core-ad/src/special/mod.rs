//! Special functions, stable combinations and order statistics over [`Real`](crate::Real).

mod bessel;
mod error_function;
mod gamma;
pub(crate) mod hyperbolic;
mod incomplete;
mod inverse_error;
mod order;
mod stable;

pub use bessel::{bessel_i, bessel_j, bessel_k};
pub use error_function::{erf, erfc, normal_cdf};
pub use gamma::{digamma, ln_gamma, polygamma};
pub use incomplete::{beta_inc, gamma_p, gamma_q};
pub use inverse_error::{erf_inv, erfc_inv, normal_quantile};
pub use order::{argsort, maximum, median, minimum, quantile, sort, top_k};
pub use stable::{log_1m_exp, log_sigmoid, log_sum_exp, norm, sigmoid, softmax, softplus, xlogy};

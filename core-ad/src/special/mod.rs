//! Special functions, stable combinations and order statistics over [`Real`](crate::Real).

mod error_function;
mod gamma;
mod order;
mod stable;

pub use error_function::{erf, erfc, normal_cdf};
pub use gamma::{digamma, ln_gamma, polygamma};
pub use order::{argsort, maximum, median, minimum, quantile, sort, top_k};
pub use stable::{log_1m_exp, log_sigmoid, log_sum_exp, norm, sigmoid, softmax, softplus};

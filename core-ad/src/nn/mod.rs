//! Small dense networks over [`Real`]: one rule a layer, so a tape holds a block a layer and not a statement a weight.
//!
//! ```
//! use cotangent_ad::nn::{Activation, Init, Mlp};
//! use cotangent_ad::{Var, grad, random::Stream};
//!
//! let net = Mlp::new(&[2, 16, 1], Activation::Tanh, Activation::Identity);
//! let weights = net.initial(Init::Glorot, &Stream::new(&[7]));
//! let batch = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]; // three points
//! let loss = |w: &[Var<f64>]| {
//!     let x: Vec<_> = batch.iter().map(|x| Var::konst(*x)).collect();
//!     net.forward(w, &x).iter().fold(Var::konst(0.0), |s, y| s + *y * *y)
//! };
//! assert_eq!(grad(loss, &weights).len(), net.parameters());
//! ```

mod conv;
mod dense;
mod init;
mod mlp;

use crate::real::Real;
use crate::special::{sigmoid, softplus};

pub use conv::Conv1d;
pub use dense::dense;
pub use init::Init;
pub use mlp::Mlp;

/// A function of one number between layers, with a slope that its value determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// `z`.
    Identity,
    /// `tanh z`.
    Tanh,
    /// `1 / (1 + e^-z)`.
    Sigmoid,
    /// `max(z, 0)`; its slope at 0 is 0.
    Relu,
    /// `ln(1 + e^z)`: positive and smooth.
    Softplus,
    /// `z` above 0, `e^z - 1` below: smooth to first order.
    Elu,
}

impl Activation {
    /// The value at `z`.
    pub fn value<R: Real>(self, z: R) -> R {
        match self {
            Self::Identity => z,
            Self::Tanh => z.tanh(),
            Self::Sigmoid => sigmoid(z),
            Self::Relu => {
                if z > R::lit(0.0) {
                    z
                } else {
                    R::lit(0.0)
                }
            }
            Self::Softplus => softplus(z),
            Self::Elu => {
                if z > R::lit(0.0) {
                    z
                } else {
                    z.exp_m1()
                }
            }
        }
    }

    /// The slope where the value is `y`.
    pub fn slope<R: Real>(self, y: R) -> R {
        let positive = y > R::lit(0.0);
        match self {
            Self::Identity => R::lit(1.0),
            Self::Tanh => -(y * y) + 1.0,
            Self::Sigmoid => y * (-y + 1.0),
            Self::Relu => R::lit(f64::from(u8::from(positive))),
            Self::Softplus => -(-y).exp_m1(),
            Self::Elu => {
                if positive {
                    R::lit(1.0)
                } else {
                    y + 1.0
                }
            }
        }
    }
}

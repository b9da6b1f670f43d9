//! Bessel functions of the first kind and integer order. Values from libm (musl).

use crate::real::Real;
use crate::rule::Rule;

/// `J_n`.
#[derive(Clone, Debug)]
struct BesselJ {
    n: i32,
}

impl Rule<1, 1> for BesselJ {
    fn primal(&self, [x]: [f64; 1]) -> [f64; 1] {
        [libm::jn(self.n, x)]
    }
    /// `J_n' = (J_(n-1) - J_(n+1)) / 2`.
    fn jvp<R: Real>(&self, [x]: [R; 1], _: [R; 1], [x_dot]: [R; 1]) -> [R; 1] {
        let [[before], [after]] = [self.n - 1, self.n + 1].map(|n| R::rule(&Self { n }, [x]));
        [(before - after) * 0.5 * x_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `J_n(x)`, smooth everywhere.
#[track_caller]
pub fn bessel_j<R: Real>(n: i32, x: R) -> R {
    R::rule(&BesselJ { n }, [x])[0]
}

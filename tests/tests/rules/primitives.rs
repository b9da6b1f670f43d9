//! Every primitive by itself, at random points of its domain.

use cotangent_ad::random::Stream;
use cotangent_ad::{Real, VectorFn};

use crate::Modes;

/// The primitives with arguments inside their domains.
const NAMES: [&str; 32] = [
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "exp", "exp_m1", "ln", "ln_1p", "sqrt", "cbrt", "recip", "abs", "sign", "powi", "powf",
    "atan2", "hypot", "max", "min", "add", "sub", "mul", "div", "neg",
];

struct Primitives;
impl VectorFn for Primitives {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let [a, b] = [x[0], x[1]]; // -1 < a < 1 < b
        let unit = [a.sin(), a.cos(), a.tan(), a.asin(), a.acos(), a.atan(), a.sinh(), a.cosh()];
        let inverse = [a.tanh(), a.asinh(), b.acosh(), a.atanh(), a.exp(), a.exp_m1()];
        let positive = [b.ln(), a.ln_1p(), b.sqrt(), b.cbrt(), b.recip(), (a - b).abs()];
        let both = [a.sign() * b, a.powi(3), b.powf(a), a.atan2(b), a.hypot(b)];
        let plain = [(a * 3.0).max(b), (a * 3.0).min(b), a + b * 2.0, a - b, a * b, a / b, -a];
        [&unit[..], &inverse, &positive, &both, &plain].concat()
    }
}

#[test]
fn every_primitive_has_the_slopes_of_taylor_and_transposed_modes() {
    let stream = Stream::new(&[11]);
    for (row, name) in NAMES.iter().enumerate() {
        for point in 0..8 {
            let [s, t] = [0, 1].map(|k| stream.uniform((row * 16 + point * 2 + k) as u64));
            // a step of the tests stays on one side of every kink
            let x = [1.6 * s - 0.8 + if s < 0.5 { -0.05 } else { 0.05 }, 1.2 + t];
            let modes = Modes {
                plain: &|x| vec![Primitives.call(x)[row]],
                dual: &|x| vec![Primitives.call(x)[row]],
                tape: &|x| vec![Primitives.call(x)[row]],
                taped: &|x| vec![Primitives.call(x)[row]],
                doubly_taped: &|x| vec![Primitives.call(x)[row]],
                nested: &|x| vec![Primitives.call(x)[row]],
                recorded: &|x| vec![Primitives.call(x)[row]],
            };
            let proved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| modes.prove(&x)));
            assert!(proved.is_ok(), "{name} at {x:?}");
        }
    }
    assert_eq!(Primitives.call(&[0.5, 1.5]).len(), NAMES.len());
}

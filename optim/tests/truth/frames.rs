//! Where an origin lies, and how axes are turned, changes nothing about a molecule.

use super::*;

/// Three atoms on springs, with a constant of the size that an energy has, as a molecule is: its gradient is rounded as a sum of large
/// terms is.
struct Springs;
impl Springs {
    fn energy<R: Real>(x: &[R]) -> R {
        let mut sum = R::lit(-76.0);
        for (a, b, rest, k) in [(0, 1, 1.79, 0.55), (0, 2, 1.79, 0.55), (1, 2, 2.83, 0.12)] {
            let square = |axis: usize| {
                let arm = x[3 * a + axis] - x[3 * b + axis];
                arm * arm
            };
            let r = (square(0) + square(1) + square(2)).sqrt();
            sum += (r - rest) * (r - rest) * (0.5 * k);
        }
        sum
    }
}
impl Objective for Springs {
    fn dim(&self) -> usize {
        9
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        _: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let (value, mut gradient) = (Self::energy(x), grad(Self::energy, x));
        // what cancels in a sum of terms of some 100
        for (k, g) in gradient.iter_mut().enumerate() {
            let bits = x.iter().fold(k as u64, |h, x| {
                (h ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
            });
            *g += 1e-14 * ((bits >> 11) as f64 / (1u64 << 53) as f64 - 0.5);
        }
        Ok(Evaluation { value, gradient: Some(gradient), ..Default::default() })
    }
}

/// Positions turned about an axis along no edge, and moved.
fn placed(shape: &[[f64; 3]], angle: f64, offset: [f64; 3]) -> Vec<f64> {
    let (s, c) = angle.sin_cos();
    let axis = [2.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0];
    let turned = |r: &[f64; 3]| {
        let along: f64 = (0..3).map(|k| axis[k] * r[k]).sum();
        [0, 1, 2].map(|k| {
            let (l, m) = ((k + 1) % 3, (k + 2) % 3);
            let across = axis[l] * r[m] - axis[m] * r[l];
            c * r[k] + s * across + (1.0 - c) * along * axis[k] + offset[k]
        })
    };
    shape.iter().flat_map(turned).collect()
}

#[test]
fn a_molecule_ends_the_same_wherever_its_origin_lies() {
    let shape = [[0.0, 0.0, 0.0], [0.0, 1.43, 1.11], [0.0, -1.43, 1.11]];
    let frames = [
        (0.0, [0.0; 3]),
        (0.0, [1e-5, 0.0, 0.0]),
        (0.0, [1e-8, -3e-9, 1e-7]),
        (1.1, [0.0; 3]),
        (2.0, [0.4, -0.7, 0.2]),
        (0.3, [30.0, 5.0, -8.0]),
    ];
    let space = Space::new(vec![Parameter::vector("x", 9).scaled(0.1).position()]).unwrap();
    for (name, most) in [("lbfgsb", 60), ("trust-region", 120)] {
        for (angle, offset) in frames {
            let x0 = placed(&shape, angle, offset);
            let end = solve(&Springs, &space, named(name), Stop::default(), &x0);
            assert!(
                end.status.is_success() && end.value + 76.0 < 1e-12,
                "{name} {offset:?}: {end:?}"
            );
            // with sizes taken from the distance to the origin it was 130 to 7000, and no end at some
            assert!(end.evaluations < most, "{name} {offset:?}: {end:?}");
        }
    }
}

/// A stiff spring, and a slope `1/x` that has no end.
struct Slope;
impl VectorFn for Slope {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let rest = R::lit(1.0) / x[1];
        vec![R::lit(1.0), (x[0] - 3.0) * 10.0, rest]
    }
}

#[test]
fn the_far_end_of_a_slope_is_no_minimum_of_a_position() {
    let space = Space::new(vec![Parameter::vector("x", 2).position()]).unwrap();
    let objective = Residuals { m: 3, ..free(Slope, 2) };
    for name in ["lbfgsb", "trust-region"] {
        let end = solve(&objective, &space, named(name), Stop::default(), &[1.0, 2.0]);
        let left = end.value - 0.5;
        assert!(!end.status.is_success() || left < 1e-12, "{name}: {left:e} {end:?}");
    }
}

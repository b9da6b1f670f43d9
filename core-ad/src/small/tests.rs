use proptest::prelude::*;

use super::{
    Mat3, Pose, Quat, Vec3, bernoulli_root, cos_root, cubic_root, sinc_root, versine_root,
};
use crate::{Dual, Num, Real, hessian, jacobian_forward};

fn vector() -> impl Strategy<Value = Vec3<f64>> {
    [-2.0..2.0, -2.0..2.0, -2.0..2.0].prop_map(Vec3)
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= tolerance, "entry {k}: {x} against {y}");
    }
    assert_eq!(a.len(), b.len());
}

fn flat(m: Mat3<f64>) -> Vec<f64> {
    m.0.concat()
}

proptest! {
    #[test]
    fn quaternions_are_their_matrices(a in vector(), b in vector(), v in vector()) {
        let (p, q) = (Quat::exp(a), Quat::exp(b));
        close(&(p * q).rotate(v).0, &(p.to_mat() * q.to_mat() * v).0, 1e-13);
        close(&flat(p.to_mat() * p.conjugate().to_mat()), &flat(Mat3::identity()), 1e-14);
        close(&flat(Quat::from_mat(&p.to_mat()).to_mat()), &flat(p.to_mat()), 1e-14);
        prop_assert!((p.to_mat().det() - 1.0).abs() < 1e-14);
        let angle = a.norm();
        let axis_angle = Quat::from_axis_angle(a * (1.0 / angle), angle);
        close(&axis_angle.0, &p.0, 1e-14);
    }

    #[test]
    fn log_inverts_exp(a in vector(), scale in -12.0..0.0f64) {
        for v in [a * (3.1 / a.norm().max(3.1)), a * 10.0_f64.powf(scale)] {
            close(&Quat::exp(v).log().0, &v.0, 1e-13);
        }
    }

    #[test]
    fn vector_algebra(a in vector(), b in vector(), c in vector()) {
        close(&(a.skew() * b).0, &a.cross(b).0, 1e-14);
        close(&(a.outer(b) * c).0, &(a * b.dot(c)).0, 1e-13);
        let m = Mat3([a.0, b.0, c.0]);
        prop_assert!((m.det() - a.cross(b).dot(c)).abs() < 1e-13);
        close(&(m.transpose() * b).0, &m.transpose_mul(b).0, 1e-14);
        if m.det().abs() > 0.1 {
            close(&flat(m.inverse() * m), &flat(Mat3::identity()), 1e-11);
        }
        let pose = Pose { rotation: Quat::exp(a).to_mat(), translation: b };
        close(&(pose.inverse() * pose).point(c).0, &c.0, 1e-13);
        close(&pose.inverse_point(pose.point(c)).0, &c.0, 1e-13);
    }

    #[test]
    fn right_jacobian_is_the_derivative_of_exp(v in vector(), scale in -9.0..0.0f64) {
        for v in [v, v * 10.0_f64.powf(scale)] {
            // log(exp(v)^-1 exp(v + d)) = J_r d
            let inverse = Quat::exp(v).conjugate();
            let of_sum = |x: &[Dual<f64, 8>]| {
                let inverse = Quat(inverse.0.map(Dual::konst));
                (inverse * Quat::exp(Vec3([x[0], x[1], x[2]]))).log().0.to_vec()
            };
            let jacobian = Quat::exp_right_jacobian(v);
            close(&jacobian_forward(of_sum, &v.0), &flat(jacobian), 1e-13);
            let w = Vec3([0.3, -1.0, 0.7]);
            close(&Quat::exp_rate(v, jacobian * w).0, &w.0, 1e-13);
        }
    }
}

#[test]
fn functions_of_the_angle_join_at_the_series_border() {
    type Function = fn(Dual<f64, 1>) -> Dual<f64, 1>;
    let functions: [Function; 5] = [cos_root, sinc_root, versine_root, cubic_root, bernoulli_root];
    for f in functions {
        let below = f(Dual::seed(1.0 - f64::EPSILON, 0));
        let above = f(Dual::seed(1.0, 0));
        assert!((below.re - above.re).abs() < 4e-16 && (below.eps[0] - above.eps[0]).abs() < 2e-15);
    }
}

/// `w` and `x` of `exp(v)` to third order: `1 - |v|^2/8` and `x/2 - x |v|^2/48`.
#[test]
fn exp_and_log_have_two_derivatives_at_zero() {
    let zero = [0.0; 3];
    let w = hessian(|v| Quat::exp(Vec3([v[0], v[1], v[2]])).0[0], &zero);
    close(&w, &flat(Mat3::diagonal([-0.25; 3])), 0.0);
    let x = hessian(|v| Quat::exp(Vec3([v[0], v[1], v[2]])).0[1], &zero);
    close(&x, &[0.0; 9], 0.0);
    // log(exp(v)) = v: its Hessian is zero
    let back = hessian(|v| Quat::exp(Vec3([v[0], v[1], v[2]])).log().0[1], &zero);
    close(&back, &[0.0; 9], 0.0);
}

#[test]
fn log_takes_the_short_way() {
    let q = Quat::exp(Vec3([0.3, -0.2, 0.1]));
    close(&Quat(q.0.map(|x| -x)).log().0, &[0.3, -0.2, 0.1], 1e-15);
}

#[test]
fn norm_at_the_origin_has_a_zero_derivative() {
    fn norm<T: Real>(x: &[T]) -> Vec<T> {
        vec![Vec3([x[0], x[1], x[2]]).norm()]
    }
    assert_eq!(jacobian_forward(norm, &[0.0; 3]), [0.0; 3]);
    assert_eq!(Vec3::<f64>::lit([2.0, 3.0, 6.0]).norm(), 7.0);
    assert_eq!(Vec3::<f64>::unit(1).normalized().0, [0.0, 1.0, 0.0]);
    assert_eq!(f64::lit(1.0), 1.0);
}

//! Programs of linear algebra.

use cotangent_ad::linalg::{
    LinalgError, Matrix, eigh, eigh_subspace, expm, fft, inverse, log_det, log_det_spd,
    singular_values, solve, solve_spd,
};
use cotangent_ad::{Dual, Quat, Real, Vec3, VectorFn, grad};

use super::{entry, function, sum};

fn symmetric<R: Real>(x: &[R]) -> Matrix<R> {
    Matrix::from_rows(&[[x[0], x[1], x[2]], [x[1], x[3], x[4]], [x[2], x[4], x[5]]])
}

fn square<R: Real>(n: usize, x: &[R]) -> Matrix<R> {
    Matrix::new(n, n, x[..n * n].to_vec())
}

/// `|A u|^2` and `u . A u` need the same vector.
fn constant<R: Real>(u: &[f64]) -> Vec<R> {
    u.iter().map(|u| R::lit(*u)).collect()
}

fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    sum(a.iter().zip(b).map(|(a, b)| *a * *b))
}

#[test]
fn logdet4() {
    function!(LogDet, |x: &[R]| vec![log_det(&square(4, x)).unwrap()]);
    entry("logdet4").gradient(&LogDet);
}

#[test]
fn trace_b_inverse() {
    function!(Trace, |x: &[R]| {
        let b = Matrix::from_rows(&[[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [2.0, 1.0, 1.0]]);
        vec![Matrix::lit(&b).matmul(&inverse(&square(3, x)).unwrap()).trace()]
    });
    entry("trace_b_inverse").product(&Trace);
}

#[test]
fn expm3() {
    function!(Expm, |x: &[R]| {
        let e = expm(&square(3, x).scale(x[9])).unwrap();
        let weighted = |k: usize| e[(k / 3, k % 3)] * ((k / 3 + 1) * (k % 3 + 2)) as f64;
        vec![sum((0..9).map(weighted))]
    });
    entry("expm3").gradient(&Expm);
}

#[test]
fn eigenvalues_and_vectors() {
    function!(Middle, |x: &[R]| vec![eigh(&symmetric(x)).unwrap().values[1]]);
    entry("eigsy_middle_value").hessian(&Middle);
    function!(Projected, |x: &[R]| {
        let lowest = eigh(&symmetric(x)).unwrap().vectors.column(0);
        let along = dot(&lowest, &constant(&[1.0, 2.0, -1.0]));
        vec![along * along]
    });
    entry("eigsy_vector_projector").gradient(&Projected);
}

#[test]
fn eigsy_near_degenerate_subspace() {
    function!(ByProjector, |x: &[R]| {
        let inside =
            eigh_subspace(&square(4, x), 0..2).unwrap().matvec(&constant(&[1.0, -1.0, 2.0, 0.5]));
        vec![dot(&inside, &inside)]
    });
    entry("eigsy_near_degenerate_subspace").gradient(&ByProjector);
    // through the single vectors of the pair, whose gap cancels: reverse mode sees that it does, forward mode cannot
    function!(ByVectors, |x: &[R]| {
        let vectors = eigh(&square(4, x)).unwrap().vectors;
        let along = vectors.transpose().matvec(&constant(&[1.0, -1.0, 2.0, 0.5]));
        vec![along[0] * along[0] + along[1] * along[1]]
    });
    let program = entry("eigsy_near_degenerate_subspace");
    program.field("grad", "reverse", || grad(|x| ByVectors.call(x)[0], &program.inputs));
    let moving: Vec<_> = program.inputs.iter().map(|x| Dual { re: *x, eps: [*x * *x] }).collect();
    let refused = eigh(&square(4, &moving));
    assert!(
        matches!(refused, Err(LinalgError::IllConditioned { gap }) if (gap - 1e-8).abs() < 1e-14)
    );
}

#[test]
fn svd_nuclear_norm() {
    function!(Nuclear, |x: &[R]| {
        vec![sum(singular_values(&Matrix::new(4, 3, x.to_vec())).unwrap())]
    });
    entry("svd_nuclear_norm").gradient(&Nuclear);
}

#[test]
fn linear_solve_norm() {
    function!(Norm, |x: &[R]| {
        let y = solve(&square(3, x), &x[9..]).unwrap();
        vec![dot(&y, &y)]
    });
    let program = entry("linear_solve_norm");
    program.hessian(&Norm);
    program.two_tapes(&Norm);
}

#[test]
fn gp_log_marginal() {
    function!(Marginal, |x: &[R]| {
        let (at, y) = ([0.0, 0.4, 0.9, 1.5, 2.2_f64], constant(&[0.2, 0.7, 0.8, 0.1, -0.6]));
        let [length, scale, noise] = [x[0].exp(), x[1].exp(), x[2].exp()];
        let kernel = Matrix::from_fn(5, 5, |i, j| {
            let far = (length * length).recip() * (-0.5 * (at[i] - at[j]).powi(2));
            let k = scale * scale * far.exp();
            if i == j { k + noise * noise } else { k }
        });
        let weights = solve_spd(&kernel, &Matrix::new(5, 1, y.clone())).unwrap();
        let fit = dot(weights.data(), &y);
        let total = fit + log_det_spd(&kernel).unwrap() + 5.0 * std::f64::consts::TAU.ln();
        vec![total * -0.5]
    });
    entry("gp_log_marginal").hessian(&Marginal);
}

#[test]
fn fft8_power() {
    function!(Power, |x: &[R]| {
        let (re, im) = fft(x, &[R::lit(0.0); 8]);
        let power = re.iter().zip(&im).map(|(a, b)| *a * *a + *b * *b);
        vec![sum((0..).zip(power).map(|(k, p)| p * f64::from(k * k))) / 8.0]
    });
    entry("fft8_power").hessian(&Power);
}

#[test]
fn so3_exp_at_zero() {
    function!(Rotated, |w: &[R]| {
        let o = R::lit(0.0);
        let hat = Matrix::from_rows(&[[o, -w[2], w[1]], [w[2], o, -w[0]], [-w[1], w[0], o]]);
        let v = expm(&hat).unwrap().matvec(&constant(&[1.0, 2.0, 3.0]));
        vec![v[0] * v[0] + v[1] * v[2] * 2.0]
    });
    entry("so3_exp_at_zero").hessian(&Rotated);
}

#[test]
fn a_quaternion_at_no_rotation() {
    // the same program by a rotation vector's quaternion, to the second order at the origin
    function!(Rotated, |w: &[R]| {
        let v = Quat::exp(Vec3([w[0], w[1], w[2]])).rotate(Vec3::lit([1.0, 2.0, 3.0])).0;
        vec![v[0] * v[0] + v[1] * v[2] * 2.0]
    });
    let program = entry("so3_exp_at_zero");
    program.hessian(&Rotated);
}

//! Spectra where eigenvalues meet: functions of matrices are right in every mode, single vectors are refused in every mode.

use cotangent_ad::linalg::{
    LinalgError, Matrix, ScalarFunction, eigenvalues, eigh, exp_symmetric, expm, ln_symmetric,
    polar, power_symmetric, qr, singular_values, spectral_function, sqrt_symmetric, svd,
};
use cotangent_ad::program::Program;
use cotangent_ad::{Dual, Real, Session, Var, VectorFn, grad, hvp, jvp, try_value_and_grad};

use crate::{numbers, prove};

macro_rules! function {
    ($name:ident, |$x:ident: &[$r:ident]| $body:expr) => {
        struct $name;
        impl VectorFn for $name {
            fn call<$r: Real>(&self, $x: &[$r]) -> Vec<$r> {
                $body
            }
        }
    };
}

fn square<R: Real>(n: usize, x: &[R]) -> Matrix<R> {
    Matrix::new(n, n, x[..n * n].to_vec())
}

/// `Q diag(values) Q^T` for some rotation.
fn with_values(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let q = qr(&square(n, &numbers(31, n * n))).unwrap().q;
    q.matmul(&Matrix::diagonal(values)).matmul(&q.transpose()).into_data()
}

function!(Exponential, |x: &[R]| exp_symmetric(&square(3, x)).unwrap().into_data());
function!(Logarithm, |x: &[R]| ln_symmetric(&square(3, x)).unwrap().into_data());
function!(Root, |x: &[R]| sqrt_symmetric(&square(3, x)).unwrap().into_data());
function!(Whitening, |x: &[R]| power_symmetric(&square(3, x), -0.5).unwrap().into_data());

#[test]
fn functions_of_matrices_are_differentiated_to_second_order_inside_of_clusters_and_outside() {
    // small for powers, large for exponentials: the third order must stand out of rounding for the Taylor test
    let spectra = [[0.4, 0.6, 1.2], [0.5, 0.5, 1.1], [0.5, 0.5, 0.5], [0.5, 0.5 + 1e-7, 0.6]];
    for x in spectra.map(|values| with_values(&values)) {
        prove(&Exponential, &x.iter().map(|x| x * 6.0).collect::<Vec<_>>());
        prove(&Logarithm, &x);
        prove(&Root, &x);
        prove(&Whitening, &x);
    }
}

#[test]
fn functions_of_matrices_agree_with_matrix_arithmetic() {
    let a = square(3, &with_values(&[0.5, 0.5, 2.0]));
    let near = |x: &Matrix<f64>, y: &Matrix<f64>| {
        assert!((x - y).data().iter().all(|d| d.abs() < 1e-14), "{x:?} {y:?}");
    };
    near(&exp_symmetric(&a).unwrap(), &expm(&a).unwrap());
    let root = sqrt_symmetric(&a).unwrap();
    near(&root.matmul(&root), &a);
    let white = power_symmetric(&a, -0.5).unwrap();
    near(&white.matmul(&a).matmul(&white), &Matrix::identity(3));
    near(&exp_symmetric(&ln_symmetric(&a).unwrap()).unwrap(), &a);
    // the derivatives of exp are those of its own rule by a block matrix
    let v = numbers(32, 9);
    let (by_spectrum, by_block) = (
        hvp(|x| exp_symmetric(&square(3, x)).unwrap()[(0, 1)], a.data(), &v),
        hvp(|x| expm(&square(3, x).symmetric_part()).unwrap()[(0, 1)], a.data(), &v),
    );
    assert!(by_spectrum.iter().zip(&by_block).all(|(a, b)| (a - b).abs() < 1e-13));
    let program =
        Program::record(|x| vec![exp_symmetric(&square(3, x)).unwrap()[(0, 1)]], a.data());
    let recorded = program.hvp(a.data(), &v).unwrap().1;
    assert!(recorded.iter().zip(&by_block).all(|(a, b)| (a - b).abs() < 1e-13));
}

#[test]
fn a_function_without_a_value_or_a_derivative_at_an_eigenvalue_says_so() {
    let singular = Matrix::diagonal(&[0.0, 1.0]);
    assert!(matches!(
        ln_symmetric(&-&Matrix::<f64>::identity(2)),
        Err(LinalgError::OutsideOfDomain { eigenvalue }) if eigenvalue == -1.0
    ));
    let value = sqrt_symmetric(&singular).unwrap();
    assert!((value.trace() - 1.0).abs() < 1e-15);
    let slope = |x: &[Var<f64>]| Ok::<_, LinalgError>(sqrt_symmetric(&square(2, x))?.trace());
    let refused = try_value_and_grad(slope, singular.data());
    assert!(matches!(refused, Err(LinalgError::OutsideOfDomain { .. })), "{refused:?}");
}

fn largest<R: Real>(x: &[R]) -> R {
    singular_values(&Matrix::new(5, 5, x.to_vec())).unwrap()[0]
}

fn trace<R: Real>(x: &[R]) -> R {
    eigenvalues(&square(3, x)).unwrap().iter().fold(R::lit(0.0), |s, l| s + l.exp())
}

#[test]
fn values_alone_are_differentiated_forward_where_they_meet() {
    // of the matrix of ones the largest singular value is 5, its vectors are all 1/sqrt 5; four values are zero
    let ones = vec![1.0; 25];
    let program = Program::record(|x| vec![largest(x)], &ones);
    for k in [0, 7, 24] {
        let unit: Vec<f64> = (0..25).map(|i| f64::from(u8::from(i == k))).collect();
        let forward = jvp(|x| vec![largest(x)], &ones, &unit).1[0];
        let replayed = program.jvp(&ones, &unit).unwrap().1[0];
        assert!((forward - 0.2).abs() < 1e-14 && (replayed - 0.2).abs() < 1e-14, "{forward}");
    }
    assert!(grad(largest, &ones).iter().all(|g| (g - 0.2).abs() < 1e-14));
    // a sum over a cluster: tr exp A
    let x = with_values(&[2.0, 2.0, 5.0]);
    let v = numbers(33, 9);
    let along = jvp(|x| vec![trace(x)], &x, &v).1[0];
    let right = jvp(|x| vec![exp_symmetric(&square(3, x)).unwrap().trace()], &x, &v).1[0];
    assert!((along - right).abs() < 1e-12 * right.abs());
    prove(&Values, &with_values(&[1.0, 2.0, 4.0]));
    prove(&SingularValues, &numbers(34, 12));
}

function!(Values, |x: &[R]| eigenvalues(&square(3, x)).unwrap());
function!(SingularValues, |x: &[R]| singular_values(&Matrix::new(3, 4, x.to_vec())).unwrap());

fn by_values<R: Real>(x: &[R]) -> Result<R, LinalgError> {
    Ok(eigenvalues(&square(3, x))?.iter().fold(R::lit(0.0), |s, l| s + l.exp()))
}

fn by_pairs<R: Real>(x: &[R]) -> Result<R, LinalgError> {
    Ok(eigh(&square(3, x))?.values.iter().fold(R::lit(0.0), |s, l| s + l.exp()))
}

/// Reverse over reverse.
type Twice = Var<Var<f64>>;

/// The gradient along some direction, differentiated.
fn twice(
    f: fn(&[Twice]) -> Result<Twice, LinalgError>,
    x: &[f64],
) -> Result<Vec<f64>, LinalgError> {
    let outer = Session::<f64>::new();
    let at: Vec<Var<f64>> = x.iter().map(|x| outer.input(*x)).collect();
    let (_, gradient) = try_value_and_grad(f, &at)?;
    Ok(outer.try_pullback(&gradient, &numbers(35, 9), &at)?)
}

#[test]
fn second_derivatives_of_sums_over_a_cluster_are_refused_in_every_mode_and_right_by_the_function() {
    let x = with_values(&[2.0, 2.0, 5.0]);
    for (which, f) in [by_values as fn(&[_]) -> _, by_pairs].into_iter().enumerate() {
        let refused = twice(f, &x);
        let told = matches!(refused, Err(LinalgError::IllConditioned { .. }));
        assert!(told, "{which}: {refused:?}");
    }
    let moving: Vec<Dual<f64, 1>> =
        x.iter().zip(numbers(35, 9)).map(|(x, v)| Dual { re: *x, eps: [v] }).collect();
    for f in [by_values as fn(&[_]) -> _, by_pairs] {
        let refused = try_value_and_grad(f, &moving);
        assert!(matches!(refused, Err(LinalgError::IllConditioned { .. })), "{refused:?}");
    }
    let program = Program::record(|x| vec![by_values(x).unwrap()], &x);
    assert!(program.hvp(&x, &numbers(35, 9)).is_err());
}

fn through_pairs<R: Real>(x: &[R], b: &Matrix<f64>) -> Result<R, LinalgError> {
    let pairs = eigh(&square(3, x))?;
    let turned = pairs.vectors.transpose().matmul(&Matrix::lit(b)).matmul(&pairs.vectors);
    Ok((0..3).fold(R::lit(0.0), |s, i| s + turned[(i, i)] * pairs.values[i].exp()))
}

#[test]
fn what_weighs_vectors_by_their_own_values_is_refused_in_a_cluster_and_right_by_divided_differences()
 {
    // tr(B V exp(L) V^T)
    let (x, b) = (with_values(&[2.0, 2.0, 5.0]), square(3, &numbers(36, 9)));
    let refused = try_value_and_grad(|x: &[Var<f64>]| through_pairs(x, &b), &x);
    assert!(matches!(refused, Err(LinalgError::IllConditioned { .. })), "{refused:?}");
    let program = Program::record(|x| vec![through_pairs(x, &b).unwrap()], &x);
    assert!(program.vjp(&x, &[1.0]).is_err());
    let by_function =
        grad(|x| exp_symmetric(&square(3, x)).unwrap().matmul(&Matrix::lit(&b)).trace(), &x);
    let by_block = grad(
        |x| expm(&square(3, x).symmetric_part()).unwrap().matmul(&Matrix::lit(&b)).trace(),
        &x,
    );
    assert!(by_function.iter().zip(&by_block).all(|(a, b)| (a - b).abs() < 1e-12));
    // and where the gaps are open all three agree
    let open = with_values(&[1.0, 2.0, 5.0]);
    let by_pairs = grad(|x| through_pairs(x, &b).unwrap(), &open);
    let by_function =
        grad(|x| exp_symmetric(&square(3, x)).unwrap().matmul(&Matrix::lit(&b)).trace(), &open);
    assert!(by_pairs.iter().zip(&by_function).all(|(a, b)| (a - b).abs() < 1e-11));
}

#[test]
fn the_polar_factor_is_smooth_where_singular_values_meet() {
    function!(Polar, |x: &[R]| polar(&square(3, x)).unwrap().into_data());
    function!(Tall, |x: &[R]| polar(&Matrix::new(4, 3, x.to_vec())).unwrap().into_data());
    let q = qr(&square(3, &numbers(24, 9))).unwrap().q;
    prove(&Polar, q.scale(2.0).data());
    prove(&Tall, &numbers(37, 12));
    // at A = 2 Q the differential is (E - Q E^T Q) / 4
    let w = square(3, &numbers(26, 9));
    let (_, x_bar) = cotangent_ad::vjp(|x| Polar.call(x), q.scale(2.0).data(), w.data());
    let adjoint = (&w - &q.matmul(&w.transpose()).matmul(&q)).scale(0.25);
    assert!(x_bar.iter().zip(adjoint.data()).all(|(a, b)| (a - b).abs() < 1e-14));
    let dependent = Matrix::from_rows(&[[1.0, 2.0], [2.0, 4.0]]);
    assert!(matches!(polar(&dependent), Err(LinalgError::Singular { pivot: 1, .. })));
    // through single singular vectors it is refused
    let single = |x: &[Var<f64>]| -> Result<Var<f64>, LinalgError> {
        let f = svd(&square(3, x))?;
        Ok(f.u.matmul(&f.v.transpose())[(0, 1)])
    };
    let refused = try_value_and_grad(single, q.scale(2.0).data());
    assert!(matches!(refused, Err(LinalgError::IllConditioned { .. })), "{refused:?}");
}

#[test]
fn a_third_derivative_through_a_cluster_is_right() {
    // tr f(A) with f = x^4 at A = 2 I: d^3 along V is 24 * 2 tr V^3
    #[derive(Clone)]
    struct Fourth;
    impl ScalarFunction for Fourth {
        fn value<R: Real>(&self, x: R) -> R {
            x.powi(4)
        }
    }
    let v = square(3, &numbers(38, 9)).symmetric_part();
    let trace = |t: cotangent_ad::Jet<f64, 4>| {
        let moved = Matrix::from_fn(3, 3, |i, j| t * v[(i, j)] + if i == j { 2.0 } else { 0.0 });
        spectral_function(&moved, &Fourth).unwrap().trace()
    };
    let third = cotangent_ad::jet::derivatives(trace, 0.0)[3];
    let right = 48.0 * v.matmul(&v).matmul(&v).trace();
    assert!((third - right).abs() < 1e-12 * right.abs().max(1.0), "{third} {right}");
}

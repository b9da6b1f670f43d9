//! What is given wrongly is answered: by a typed error where a caller cannot know beforehand, else by a documented panic
//! that says what was expected. Singular systems and iterations that do not converge are in `linalg` and `implicit`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cotangent_ad::checkpoint::{mixed_steps, revolve_steps};
use cotangent_ad::linalg::{self, Banded, Matrix, Triangle, fft, solve_triangular};
use cotangent_ad::nn::{Activation, Conv1d, Mlp};
use cotangent_ad::program::Program;
use cotangent_ad::provenance::{NonFinite, find};
use cotangent_ad::sparse::{self, Colouring, Pattern};
use cotangent_ad::special::{maximum, minimum, quantile};
use cotangent_ad::{
    Dual, Num, Real, ScanMode, ScanOptions, Schedule, Session, Step, Var, VectorFn, check, grad,
    hessian, hvp, jacobian, jvp, vjp,
};

/// The message with which `f` panics.
fn panics(f: &dyn Fn()) -> String {
    let why = catch_unwind(AssertUnwindSafe(f)).expect_err("a panic");
    let text = why.downcast_ref::<String>().cloned();
    text.or_else(|| why.downcast_ref::<&str>().map(|s| (*s).into())).unwrap_or_default()
}

fn discard<T>(_: T) {}

#[derive(Clone)]
struct Square;
impl VectorFn for Square {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        x.iter().map(|x| *x * *x).collect()
    }
}
impl Step<1, 1> for Square {
    fn step<R: Real>(&self, [s]: [R; 1], [p]: [R; 1]) -> [R; 1] {
        [s * s * p]
    }
}

/// A reverse scan with no place to keep a state.
fn scan_without_slots(schedule: Schedule) {
    let session = Session::new();
    let options = ScanOptions { mode: ScanMode::Reverse, schedule };
    let [y] = Var::scan_with(&Square, 3, [session.input(0.5)], [session.input(1.0)], &options);
    session.pullback(&[y], &[1.0], &[]);
}

#[test]
fn documented_panics_say_what_was_expected() {
    let matrix = |rows, cols| Matrix::<f64>::zeros(rows, cols);
    let diagonal = || Colouring::columns(&Pattern::new(2, &[vec![0], vec![1]]));
    let cases: &[(&str, &dyn Fn())] = &[
        ("one tangent an input", &|| discard(jvp(|x| x.to_vec(), &[1.0, 2.0], &[1.0]))),
        ("one cotangent an output", &|| discard(vjp(|x| x.to_vec(), &[1.0], &[1.0, 2.0]))),
        ("one entry of the direction an input", &|| discard(hvp(|x| x[0], &[1.0], &[]))),
        ("not of a function of one", &|| {
            let session = Session::new();
            let x = session.input(1.0) * 2.0;
            session.pullback(&[x], &[1.0], &[x]);
        }),
        ("index out of bounds", &|| discard(Dual::<f64, 2>::seed(1.0, 2))),
        ("pairs of equal length", &|| discard(check::dot_product(&[1.0], &[], &[], &[]))),
        ("Revolve needs at least one slot", &|| discard(revolve_steps(3, 0))),
        ("a mixed schedule needs at least one slot", &|| discard(mixed_steps(3, 0))),
        ("at least one slot", &|| scan_without_slots(Schedule::Revolve { slots: 0 })),
        ("at least one slot", &|| scan_without_slots(Schedule::Mixed { slots: 0 })),
        ("at least one slot", &|| discard(Schedule::Revolve { slots: 0 }.plan(3, 8))),
        ("a Hessian is of an output", &|| {
            discard(Program::record(|_| vec![], &[1.0]).hvp(&[1.0], &[1.0]));
        }),
        ("a 2 x 2 matrix", &|| discard(Matrix::new(2, 2, vec![1.0]))),
        ("columns of A and rows of B", &|| discard(matrix(2, 3).matmul(&matrix(2, 3)))),
        ("columns of A and entries of x", &|| discard(matrix(2, 3).matvec(&[1.0]))),
        ("two matrices of one shape", &|| discard(&matrix(2, 3) + &matrix(3, 2))),
        ("T square", &|| discard(solve_triangular(&matrix(2, 3), Triangle::Lower, &matrix(2, 1)))),
        ("one column a diagonal", &|| discard(Banded::new(1, 1, matrix(3, 2)))),
        ("as many real as imaginary parts", &|| discard(fft(&[1.0], &[]))),
        ("ascending columns below 2", &|| discard(Pattern::new(2, &[vec![1, 0]]))),
        ("inputs as coloured", &|| discard(sparse::jacobian(&Square, &[1.0; 3], &diagonal()))),
        ("quantile 1.5, expected 0 to 1", &|| discard(quantile(&[1.0], 1.5))),
        ("no entries", &|| discard(maximum::<f64>(&[]))),
        ("no entries", &|| discard(minimum::<f64>(&[]))),
        ("inputs and outputs, none empty", &|| {
            discard(Mlp::new(&[3, 0], Activation::Tanh, Activation::Tanh));
        }),
        ("weights and biases", &|| {
            let activation = Activation::Tanh;
            let conv = Conv1d { inputs: 1, outputs: 1, kernel: 3, padding: 0, activation };
            discard(conv.forward(&[1.0], &[1.0; 4]));
        }),
    ];
    for (k, (expected, case)) in cases.iter().enumerate() {
        let message = panics(case);
        assert!(message.contains(expected), "case {k}: {message:?} lacks {expected:?}");
    }
}

#[test]
fn nothing_at_all_has_an_empty_derivative() {
    assert_eq!(grad(|_| Var::lit(3.0), &[] as &[f64]), []);
    assert_eq!(jacobian(&Square, &[]), []);
    assert_eq!(hessian(|_| Var::lit(3.0), &[]), []);
    assert_eq!(jvp(|x| x.to_vec(), &[] as &[f64], &[]), (vec![], vec![]));
    let program = Program::record(|x| Square.call(x), &[]);
    assert_eq!(program.vjp(&[], &[]).unwrap(), (vec![], vec![]));
    assert_eq!(program.jacobian(&[]).unwrap().1, []);
    assert_eq!(program.call(&[]).unwrap(), []);
}

#[test]
fn matrices_without_entries_have_their_factors() {
    let none = || Matrix::<f64>::zeros(0, 0);
    assert_eq!(linalg::eigenvalues(&none()).unwrap(), []);
    assert_eq!(linalg::eigh(&none()).unwrap().values, []);
    assert_eq!(linalg::singular_values(&none()).unwrap(), []);
    assert_eq!(linalg::expm(&none()).unwrap(), none());
    assert_eq!(linalg::exp_symmetric(&none()).unwrap(), none());
    assert_eq!(linalg::inverse(&none()).unwrap(), none());
    assert_eq!(linalg::cholesky(&none()).unwrap(), none());
    assert_eq!(linalg::solve_sylvester(&none(), &none(), &none()).unwrap(), none());
    assert_eq!(linalg::log_det(&none()).unwrap(), 0.0);
    assert_eq!(linalg::solve(&none(), &[]).unwrap(), []);
}

#[test]
fn a_nan_stays_where_it_is_and_is_found() {
    let f = |x: &[Var<f64>]| x[0] * x[0] + x[1] * 3.0;
    let g = grad(f, &[f64::NAN, 1.0]);
    assert!(g[0].is_nan() && g[1] == 3.0, "{g:?}");
    let (y, y_dot) = jvp(|x| Square.call(x), &[f64::NAN, 2.0], &[1.0, 1.0]);
    assert!(y[0].is_nan() && y_dot[0].is_nan() && y_dot[1] == 4.0);
    let program = Program::record(|x| Square.call(x), &[1.0, 2.0]);
    let (y, x_bar) = program.vjp(&[f64::NAN, 2.0], &[1.0, 1.0]).unwrap();
    assert!(y[0].is_nan() && x_bar[0].is_nan() && (y[1], x_bar[1]) == (4.0, 4.0));
    assert_eq!(find(&Square, &[1.0, f64::NAN]), Some(NonFinite::Input { index: 1 }));
}

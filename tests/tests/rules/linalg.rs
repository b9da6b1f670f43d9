//! Matrix rules.

use cotangent_ad::linalg::{
    Banded, BandedFactor, Iteration, KrylovOptions, LinalgError, LinearOperator, Matrix,
    MatrixFactor, SparseFactor, Triangle, cholesky, eigh, eigh_subspace, expm, fft, ifft, inverse,
    log_det, log_det_spd, lu, qr, solve, solve_banded, solve_matrix, solve_operator, solve_sparse,
    solve_spd, solve_sylvester, solve_triangular, svd,
};
use cotangent_ad::sparse::{Pattern, SparseMatrix};
use cotangent_ad::{Dual, Real, Var, VectorFn, grad, hvp, try_value_and_grad};

use crate::{bent, numbers, prove, weighted};

/// Makes a [`VectorFn`] of a generic block.
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

/// A matrix far from singular.
fn regular(n: usize) -> Vec<f64> {
    let mut a = numbers(7, n * n);
    (0..n).for_each(|i| a[i * n + i] += 2.0);
    a
}

/// `M M^T + I`.
fn positive<R: Real>(n: usize, x: &[R]) -> Matrix<R> {
    let m = square(n, x);
    &m.matmul(&m.transpose()) + &Matrix::identity(n)
}

#[test]
fn products_and_solves() {
    function!(Product, |x: &[R]| {
        let (a, b) = (Matrix::new(3, 5, x[..15].to_vec()), Matrix::new(5, 6, x[15..].to_vec()));
        a.matmul(&b).into_data()
    });
    prove(&Product, &numbers(4, 45));
    function!(Solve, |x: &[R]| solve(&square(4, x), &x[16..]).unwrap());
    prove(&Solve, &[regular(4), numbers(5, 4)].concat());
    function!(SolveMany, |x: &[R]| {
        let b = Matrix::new(3, 2, x[9..].to_vec());
        solve_matrix(&square(3, x), &b).unwrap().into_data()
    });
    prove(&SolveMany, &[regular(3), numbers(5, 6)].concat());
    function!(Spd, |x: &[R]| {
        let b = Matrix::new(3, 2, x[9..].to_vec());
        solve_spd(&positive(3, x), &b).unwrap().into_data()
    });
    prove(&Spd, &numbers(6, 15));
    function!(Inverse, |x: &[R]| inverse(&square(3, x)).unwrap().into_data());
    prove(&Inverse, &regular(3));
    function!(Sylvester, |x: &[R]| {
        let (a, b) = (positive(3, x), -&positive(2, &x[9..]));
        let c = Matrix::new(3, 2, x[13..].to_vec());
        solve_sylvester(&a, &b, &c).unwrap().into_data()
    });
    prove(&Sylvester, &numbers(8, 19));
}

#[test]
fn determinants_and_factors() {
    function!(LogDet, |x: &[R]| vec![log_det(&square(4, x)).unwrap()]);
    prove(&LogDet, &regular(4));
    function!(LogDetSpd, |x: &[R]| vec![log_det_spd(&positive(4, x)).unwrap()]);
    prove(&LogDetSpd, &numbers(9, 16));
    function!(Cholesky, |x: &[R]| cholesky(&positive(4, x)).unwrap().into_data());
    prove(&Cholesky, &numbers(10, 16));
    // large enough for every product and solve of its derivatives to be a rule
    function!(Tall, |x: &[R]| cholesky(&positive(9, x)).unwrap().into_data());
    prove(&Tall, &numbers(10, 81));
    function!(LuFactors, |x: &[R]| {
        let factors = lu(&square(4, x)).unwrap();
        [factors.l.into_data(), factors.u.into_data()].concat()
    });
    prove(&LuFactors, &numbers(11, 16));
    function!(QrFactors, |x: &[R]| {
        let factors = qr(&Matrix::new(5, 3, x.to_vec())).unwrap();
        [factors.q.into_data(), factors.r.into_data()].concat()
    });
    prove(&QrFactors, &numbers(12, 15));
    function!(Triangular, |x: &[R]| {
        let (t, b) = (square(3, x), Matrix::new(3, 2, x[9..].to_vec()));
        let solved = |triangle| solve_triangular(&t, triangle, &b).into_data();
        [solved(Triangle::Lower), solved(Triangle::UpperTransposed)].concat()
    });
    prove(&Triangular, &[regular(3), numbers(13, 6)].concat());
    // large enough to be one rule
    function!(Large, |x: &[R]| {
        let (t, b) = (square(9, x), Matrix::new(9, 8, x[81..].to_vec()));
        let solved = |triangle| solve_triangular(&t, triangle, &b).into_data();
        let lower = [solved(Triangle::Lower), solved(Triangle::LowerTransposed)].concat();
        [lower, solved(Triangle::Upper), solved(Triangle::UpperTransposed)].concat()
    });
    prove(&Large, &[regular(9), numbers(13, 72)].concat());
}

/// A tape on a tape, where the pullback of a rule is pulled back by the tape's own sweep, with weights that are not symmetric.
#[test]
fn pullbacks_of_factors_are_pulled_back_by_the_tape() {
    fn factors<R: Real>(x: &[R], w: &[f64]) -> R {
        let l = cholesky(&positive(9, x)).unwrap();
        let y = solve_triangular(&l, Triangle::LowerTransposed, &square(9, x));
        bent(&[l.into_data(), y.into_data()].concat(), w)
    }
    let (x, v, w) = (numbers(10, 81), numbers(22, 81), numbers(23, 162));
    let gradient = |x: &[Var<f64>]| grad(|z: &[Var<Var<f64>>]| factors(z, &w), x);
    let by_reverse = grad(|x| weighted(&gradient(x), &v), &x);
    let by_forward = hvp(|x| factors(x, &w), &x, &v);
    let size = by_forward.iter().fold(0.0, |s, h| f64::max(s, h.abs()));
    for (r, f) in by_reverse.iter().zip(&by_forward) {
        assert!((r - f).abs() < 1e-11 * size, "{r} {f}");
    }
}

#[test]
fn factors_multiply_back() {
    let a = square(4, &numbers(11, 16));
    let factors = lu(&a).unwrap();
    let product = factors.l.matmul(&factors.u);
    for (i, p) in factors.permutation.iter().enumerate() {
        for j in 0..4 {
            assert!((product[(i, j)] - a[(*p, j)]).abs() < 1e-15);
        }
    }
    let found = svd(&a).unwrap();
    let back = found.u.matmul(&Matrix::diagonal(&found.s)).matmul(&found.v.transpose());
    assert!((&back - &a).data().iter().all(|e| e.abs() < 1e-14));
    let id = expm(&a).unwrap().matmul(&expm(&-&a).unwrap());
    assert!((&id - &Matrix::identity(4)).data().iter().all(|e| e.abs() < 1e-13));
}

#[test]
fn spectra() {
    function!(Eigen, |x: &[R]| {
        let pairs = eigh(&square(4, x)).unwrap();
        [pairs.values, pairs.vectors.into_data()].concat()
    });
    prove(&Eigen, &numbers(14, 16));
    function!(Subspace, |x: &[R]| eigh_subspace(&square(4, x), 1..3).unwrap().into_data());
    prove(&Subspace, &numbers(14, 16));
    function!(Tall, |x: &[R]| {
        let f = svd(&Matrix::new(4, 3, x.to_vec())).unwrap();
        [f.u.into_data(), f.s, f.v.into_data()].concat()
    });
    prove(&Tall, &numbers(15, 12));
    function!(Wide, |x: &[R]| {
        let f = svd(&Matrix::new(2, 4, x.to_vec())).unwrap();
        [f.u.into_data(), f.s, f.v.into_data()].concat()
    });
    prove(&Wide, &numbers(16, 8));
    function!(Exponential, |x: &[R]| expm(&square(3, x).scale(x[9])).unwrap().into_data());
    prove(&Exponential, &[numbers(17, 9), vec![1.5]].concat());
    // scaled and squared
    prove(&Exponential, &[numbers(17, 9), vec![9.5]].concat());
}

#[test]
fn bands_and_transforms() {
    function!(Bands, |x: &[R]| {
        let a = Banded::new(2, 1, Matrix::new(6, 4, x[..24].to_vec()));
        solve_banded(&a, &Matrix::new(6, 2, x[24..].to_vec())).unwrap().into_data()
    });
    // a small diagonal makes rows change places
    let mut x = numbers(18, 36);
    (0..6).for_each(|i| x[i * 4 + 2] *= 0.1);
    prove(&Bands, &x);
    let a = Banded::new(2, 1, Matrix::new(6, 4, x[..24].to_vec()));
    let b = Matrix::new(6, 2, x[24..].to_vec());
    let dense = Matrix::from_fn(6, 6, |i, j| a.get(i, j));
    let (banded, full) = (solve_banded(&a, &b).unwrap(), solve_matrix(&dense, &b).unwrap());
    assert!((&banded - &full).data().iter().all(|e| e.abs() < 1e-12));

    function!(Transform, |x: &[R]| {
        let (re, im) = fft(&x[..6], &x[6..]);
        let power: Vec<R> = re.iter().zip(&im).map(|(a, b)| *a * *a * *b).collect();
        let (back, _) = ifft(&power, &im);
        back
    });
    prove(&Transform, &numbers(19, 12));
    let (re, im) = (numbers(20, 6), numbers(21, 6));
    let (there, and) = fft(&re, &im);
    let (back, _) = ifft(&there, &and);
    assert!(re.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-15));
}

/// The five-point Laplacian with conductivities `p` on the edges of a grid of `SIDE` by `SIDE`, and what leaks.
#[derive(Clone)]
struct Heat;
const SIDE: usize = 4;
impl LinearOperator for Heat {
    fn apply<R: Real>(&self, p: &[R], x: &[R]) -> Vec<R> {
        let mut y: Vec<R> = x.iter().map(|x| *x * 0.3).collect();
        let mut edge = 0;
        for (i, j) in (0..SIDE * SIDE).map(|k| (k / SIDE, k % SIDE)) {
            for (a, b) in [(i + 1, j), (i, j + 1)] {
                if a < SIDE && b < SIDE {
                    let flow = p[edge] * (x[i * SIDE + j] - x[a * SIDE + b]);
                    y[i * SIDE + j] += flow;
                    y[a * SIDE + b] -= flow;
                    edge += 1;
                }
            }
        }
        y
    }
}

#[test]
fn systems_by_iteration() {
    let edges = 2 * SIDE * (SIDE - 1);
    function!(Temperatures, |x: &[R]| {
        let edges = 2 * SIDE * (SIDE - 1);
        solve_operator(&Heat, &x[..edges], &x[edges..], &KrylovOptions::default()).unwrap()
    });
    let conductivities = numbers(41, edges).iter().map(|x| 1.5 + x).collect::<Vec<_>>();
    prove(&Temperatures, &[conductivities, numbers(42, SIDE * SIDE)].concat());
    // a sparse matrix that is not symmetric: six rows of three entries
    function!(Sparse, |x: &[R]| {
        let rows: Vec<Vec<usize>> = (0..6)
            .map(|i| {
                let mut row = vec![i, (i + 1) % 6, (i + 4) % 6];
                row.sort_unstable();
                row
            })
            .collect();
        let (pattern, options) = (Pattern::new(6, &rows), KrylovOptions::default());
        let options = KrylovOptions { iteration: Iteration::BiCgStab, ..options };
        solve_sparse(&pattern, &x[..18], &x[18..], &options).unwrap()
    });
    let mut x = numbers(43, 24);
    for i in 0..6 {
        let mut row = [i, (i + 1) % 6, (i + 4) % 6];
        row.sort_unstable();
        let diagonal = row.iter().position(|j| *j == i).unwrap();
        x[3 * i + diagonal] += 3.0;
    }
    prove(&Sparse, &x);
    // against a dense solve
    let dense = Matrix::from_fn(6, 6, |i, j| {
        let mut row = [i, (i + 1) % 6, (i + 4) % 6];
        row.sort_unstable();
        row.iter().position(|k| *k == j).map_or(0.0, |k| x[3 * i + k])
    });
    let (direct, iterated) = (solve(&dense, &x[18..]).unwrap(), Sparse.call(&x[..]));
    assert!(direct.iter().zip(&iterated).all(|(a, b)| (a - b).abs() < 1e-12));
    // GMRES, begun anew after every four products
    let rows: Vec<Vec<usize>> = (0..6)
        .map(|i| (0..6).filter(|j| [i, (i + 1) % 6, (i + 4) % 6].contains(j)).collect())
        .collect();
    let pattern = Pattern::new(6, &rows);
    let restarted =
        KrylovOptions { iteration: Iteration::Gmres { restart: 4 }, ..KrylovOptions::default() };
    let residuals = |x: &[Var<f64>]| {
        let y = solve_sparse(&pattern, &x[..18], &x[18..], &restarted).unwrap();
        y[0] * y[3] + y[5]
    };
    let right = |x: &[Var<f64>]| {
        let y = Sparse.call(x);
        y[0] * y[3] + y[5]
    };
    let (found, right) = (grad(residuals, &x), grad(right, &x));
    assert!(found.iter().zip(&right).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {right:?}");
    let few = KrylovOptions { max_products: 2, ..KrylovOptions::default() };
    let refused = solve_operator(&Heat, &vec![1.0; edges], &numbers(42, SIDE * SIDE), &few);
    assert!(
        matches!(refused, Err(LinalgError::NotSolved { products: 2, residual }) if residual > 0.0)
    );
    let negative = solve_operator(&Heat, &vec![-1.0; edges], &numbers(42, SIDE * SIDE), &few);
    assert!(matches!(negative, Err(LinalgError::NotPositiveDefinite { .. })));
}

#[test]
fn clusters() {
    // the part of u in the plane of a double eigenvalue, through its eigenpairs and through its projector
    fn through_pairs<R: Real>(x: &[R]) -> Result<R, LinalgError> {
        let pairs = eigh(&square(3, x))?;
        let u = [R::lit(0.3), R::lit(-1.0), R::lit(0.7)];
        let along = pairs.vectors.transpose().matvec(&u);
        Ok((0..2).fold(R::lit(0.0), |s, i| s + along[i] * along[i]))
    }
    fn through_projector<R: Real>(x: &[R]) -> R {
        let p = eigh_subspace(&square(3, x), 0..2).unwrap();
        let u = [R::lit(0.3), R::lit(-1.0), R::lit(0.7)];
        p.matvec(&u).iter().zip(&u).fold(R::lit(0.0), |s, (a, b)| s + *a * *b)
    }
    // Q diag(1, 1, 4) Q^T for a rotation Q
    let q = qr(&square(3, &numbers(22, 9))).unwrap().q;
    let a = q.matmul(&Matrix::diagonal(&[1.0, 1.0, 4.0])).matmul(&q.transpose());
    let projector = grad(|x| through_projector(x), a.data());
    // through the pairs it is 0/0 for the rule, which cannot know that the whole cluster is meant
    let pairs = try_value_and_grad(|x: &[Var<f64>]| through_pairs(x), a.data());
    assert!(matches!(pairs, Err(LinalgError::IllConditioned { .. })), "{pairs:?}");
    // a gap of 1e-8 is resolved
    let near = q.matmul(&Matrix::diagonal(&[1.0, 1.0 + 1e-8, 4.0])).matmul(&q.transpose());
    let (_, pairs) = try_value_and_grad(|x: &[Var<f64>]| through_pairs(x), near.data()).unwrap();
    assert!(pairs.iter().zip(&projector).all(|(p, q)| (p - q).abs() < 1e-7), "{pairs:?}");
    // one vector of the pair has no derivative, and says so in both modes
    let single = |x: &[_]| Ok::<_, LinalgError>(eigh(&square(3, x))?.vectors[(0, 0)]);
    let refused = try_value_and_grad::<f64, _>(single, a.data());
    assert!(matches!(refused, Err(LinalgError::IllConditioned { gap }) if gap < 1e-14));
    let seeded = a.data().iter().zip(numbers(23, 9)).map(|(a, d)| Dual { re: *a, eps: [d] });
    let refused = eigh(&Matrix::new(3, 3, seeded.collect()));
    assert!(matches!(refused, Err(LinalgError::IllConditioned { .. })));
}

#[test]
fn bad_input_is_answered() {
    let singular = Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    assert!(matches!(solve(&singular, &[1.0; 3]), Err(LinalgError::Singular { pivot: 2, .. })));
    assert!(matches!(log_det(&singular), Err(LinalgError::Singular { .. })));
    assert!(matches!(lu(&singular), Err(LinalgError::Singular { .. })));
    assert!(matches!(qr(&singular), Err(LinalgError::Singular { .. })));
    // badly scaled is not singular
    let scaled = Matrix::from_rows(&[[1.0, 1.0], [1e-20, 2e-20]]);
    assert!((solve(&scaled, &[2.0, 3e-20]).unwrap()[0] - 1.0).abs() < 1e-15);
    let indefinite = Matrix::from_rows(&[[1.0, 2.0], [2.0, 1.0]]);
    let refused = cholesky(&indefinite);
    assert!(matches!(refused, Err(LinalgError::NotPositiveDefinite { .. })));
    let nan = Matrix::from_rows(&[[1.0, f64::NAN], [0.0, 1.0]]);
    for refused in
        [solve(&nan, &[1.0; 2]).err(), eigh(&nan).err(), svd(&nan).err(), expm(&nan).err()]
    {
        assert!(matches!(refused, Some(LinalgError::NonFinite { index: 1, .. })), "{refused:?}");
    }
    let shape = solve(&indefinite, &[1.0; 3]);
    assert!(matches!(shape, Err(LinalgError::Shape { expected: 2, found: 3, .. })));
    let cut = eigh_subspace(&Matrix::<f64>::identity(3), 0..1);
    assert!(matches!(cut, Err(LinalgError::IllConditioned { .. })));
    let zero = Banded::new(1, 1, Matrix::<f64>::zeros(3, 3));
    assert!(matches!(
        solve_banded(&zero, &Matrix::zeros(3, 1)),
        Err(LinalgError::Singular { pivot: 0, .. })
    ));
    // an error inside a taped function comes out of it
    let taped = |x: &[Var<f64>]| Ok(solve(&square(2, x), &x[..2])?[0]);
    let refused: Result<_, LinalgError> = try_value_and_grad(taped, &[1.0, 2.0, 2.0, 4.0]);
    assert!(matches!(refused, Err(LinalgError::Singular { .. })));
}

/// A matrix of `n` rows with its places where a stream of numbers says, rows that have to change places among them.
/// Pairs `x + y = 1` and `2 x + 2e12 y = 1.4e12 + 0.6`: the large row buries what the other knows, and `x = 0.3` keeps five digits, unless
/// rows are compared in their own units.
fn pairs(count: usize) -> Vec<(usize, usize, f64)> {
    let pair = |k: usize| {
        let (i, j) = (2 * k, 2 * k + 1);
        [(i, i, 2.0), (i, j, 2e12), (j, i, 1.0), (j, j, 1.0)]
    };
    (0..count).flat_map(pair).collect()
}

#[test]
fn a_large_row_does_not_bury_a_small_one() {
    let alternating = |n: usize, [even, odd]: [f64; 2]| -> Vec<f64> {
        (0..n).map(|i| if i % 2 == 0 { even } else { odd }).collect()
    };
    // few unknowns, which are eliminated in the scalar's own arithmetic, and many
    for count in [1, 6] {
        let n = 2 * count;
        let sparse = SparseMatrix::from_triplets(n, n, &pairs(count));
        let entry = |i: usize, j: usize| sparse.get(i, j);
        let dense = Matrix::from_fn(n, n, entry);
        let solution = alternating(n, [0.3, 0.7]);
        let right = alternating(n, [2.0 * 0.3 + 2e12 * 0.7, 0.3 + 0.7]);
        let turned = alternating(n, [2.0 * 0.3 + 0.7, 2e12 * 0.3 + 0.7]);
        let column = Matrix::new(n, 1, right.clone());
        let transpose_by_adjoint = grad(
            |b| {
                let x = solve(&Matrix::lit(&dense), b).unwrap();
                x.iter().zip(&turned).map(|(x, r)| *x * *r).sum::<Var<f64>>()
            },
            &vec![0.0; n],
        );
        let banded = Banded::from_fn(n, 1, 1, entry);
        let factor = SparseFactor::lu(sparse.clone()).unwrap();
        for (name, x) in [
            ("solve", solve(&dense, &right).unwrap()),
            ("its adjoint", transpose_by_adjoint),
            ("factor", MatrixFactor::lu(&dense).unwrap().solve(&right).unwrap()),
            ("banded", solve_banded(&banded, &column).unwrap().into_data()),
            ("sparse", factor.solve(&right).unwrap()),
            ("sparse, transposed", factor.solve_transposed(&turned).unwrap()),
        ] {
            let close = x.iter().zip(&solution).all(|(x, right)| (x - right).abs() < 1e-14);
            assert!(close, "{name}: {x:?}");
        }
        let once = log_det(&dense).unwrap() / count as f64;
        assert!((once - (2e12_f64 - 2.0).ln()).abs() < 1e-13, "{once}");
    }
}

fn scattered<R: Real>(n: usize, x: &[R]) -> SparseMatrix<R> {
    let mut entries = Vec::new();
    for i in 0..n {
        // a cyclic permutation makes every diagonal entry zero
        entries.push((i, (i + 1) % n, x[i] + 2.5));
        entries.push((i, (3 * i + 2) % n, x[n + i]));
        entries.push((i, (7 * i + 5) % n, x[2 * n + i]));
    }
    SparseMatrix::from_triplets(n, n, &entries)
}

/// `D + sum of x_i (e_i - e_j)(e_i - e_j)^T` over the edges of a grid of two rows.
fn grid<R: Real>(n: usize, x: &[R]) -> SparseMatrix<R> {
    let mut entries: Vec<(usize, usize, R)> = (0..n).map(|i| (i, i, R::lit(1.5))).collect();
    let mut join = |i: usize, j: usize, k: R| {
        entries.extend([(i, i, k), (j, j, k), (i, j, -k), (j, i, -k)]);
    };
    for i in 0..n {
        let k = x[i] * x[i] + 0.3;
        if i + 2 < n {
            join(i, i + 2, k);
        }
        if i % 2 == 0 && i + 1 < n {
            join(i, i + 1, k * 2.0);
        }
    }
    SparseMatrix::from_triplets(n, n, &entries)
}

#[test]
fn sparse_systems_by_factors_that_are_kept() {
    const N: usize = 8;
    function!(Lu, |x: &[R]| {
        let factor = SparseFactor::lu(scattered(N, x)).unwrap();
        let once = factor.solve(&x[3 * N..]).unwrap();
        let there = factor.solve_transposed(&once).unwrap();
        [once, there].concat()
    });
    prove(&Lu, &numbers(31, 4 * N));
    function!(Cholesky, |x: &[R]| {
        let factor = SparseFactor::cholesky(grid(N, x)).unwrap();
        let once = factor.solve(&x[N..]).unwrap();
        let again = factor.with_values(factor.matrix().values.clone()).unwrap();
        again.solve_transposed(&factor.solve(&once).unwrap()).unwrap()
    });
    prove(&Cholesky, &numbers(32, 2 * N));
    function!(Products, |x: &[R]| {
        let a = scattered(N, x);
        [a.matvec(&x[3 * N..]), a.matvec_transposed(&x[3 * N..])].concat()
    });
    prove(&Products, &numbers(33, 4 * N));
    // against dense factors, where elimination fills in and rows change places
    let n = 60;
    let (x, b) = (numbers(34, 3 * n), numbers(35, n));
    let a = scattered(n, &x[..]);
    let dense = Matrix::from_fn(n, n, |i, j| a.get(i, j));
    let close = |found: &[f64], right: &[f64]| {
        assert!(found.iter().zip(right).all(|(f, r)| (f - r).abs() < 1e-12), "{found:?}");
    };
    let factor = SparseFactor::lu(a).unwrap();
    close(&factor.solve(&b).unwrap(), &solve(&dense, &b).unwrap());
    close(&factor.solve_transposed(&b).unwrap(), &solve(&dense.transpose(), &b).unwrap());
    let a = grid(n, &x[..]);
    let dense = Matrix::from_fn(n, n, |i, j| a.get(i, j));
    close(
        &SparseFactor::cholesky(a.clone()).unwrap().solve(&b).unwrap(),
        &solve(&dense, &b).unwrap(),
    );
    close(&SparseFactor::lu(a).unwrap().solve(&b).unwrap(), &solve(&dense, &b).unwrap());
}

#[test]
fn sparse_systems_without_a_solution_say_so() {
    let solved = |entries: &[(usize, usize, f64)]| {
        SparseFactor::lu(SparseMatrix::from_triplets(3, 3, entries)).unwrap().solve(&[1.0; 3])
    };
    // the last two columns are equal; an empty column; rank one with rounding
    let equal = [(0, 0, 1.0), (1, 1, 2.0), (1, 2, 2.0), (2, 1, 0.7), (2, 2, 0.7)];
    assert!(matches!(solved(&equal), Err(LinalgError::Singular { .. })));
    let empty = [(0, 0, 1.0), (1, 1, 2.0), (2, 1, 0.7)];
    assert!(matches!(solved(&empty), Err(LinalgError::Singular { pivot: 2, ratio: 0.0 })));
    let rank_one: Vec<_> = (0..9)
        .map(|k| (k / 3, k % 3, 0.1 * [1.0, 3.0, 7.0][k / 3] * [0.7, 0.3, 1.1][k % 3]))
        .collect();
    assert!(matches!(solved(&rank_one), Err(LinalgError::Singular { .. })));
    // bad scaling alone is none
    let scaled = [(0, 0, 1e-200), (1, 1, 1.0), (2, 2, 1e200), (0, 1, 1e-200)];
    assert!(solved(&scaled).is_ok());
    let nan = [(0, 0, 1.0), (1, 1, f64::NAN), (2, 2, 1.0)];
    assert!(matches!(solved(&nan), Err(LinalgError::NonFinite { index: 1, .. })));
    let wide = SparseMatrix::from_triplets(2, 3, &[(0, 0, 1.0)]);
    assert!(matches!(SparseFactor::lu(wide), Err(LinalgError::Shape { .. })));
    let indefinite = SparseMatrix::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 4.0), (1, 1, 1.0)]);
    let refused = SparseFactor::cholesky(indefinite).unwrap().solve(&[1.0, 1.0]);
    assert!(matches!(refused, Err(LinalgError::NotPositiveDefinite { .. })));
}

#[test]
fn one_factor_of_a_band_serves_all_steps() {
    function!(Steps, |x: &[R]| {
        let factor = BandedFactor::new(&Banded::new(2, 1, Matrix::new(6, 4, x[..24].to_vec())));
        let start = Matrix::new(6, 2, x[24..].to_vec());
        (0..3).fold(start, |u, _| factor.solve(&u).unwrap()).into_data()
    });
    let mut x = numbers(18, 36);
    (0..6).for_each(|i| x[i * 4 + 2] *= 0.1);
    prove(&Steps, &x);
}

//! All eigenpairs of a small symmetric matrix.

/// Eigenvalues (ascending) and eigenvectors (columns, `m x m` row-major) of a small symmetric matrix by cyclic Jacobi
/// rotations (Golub & Van Loan, alg. 8.5.3).
pub(in crate::one_d) fn jacobi(mut a: Vec<f64>, m: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v: Vec<f64> = (0..m * m).map(|k| f64::from(u8::from(k % (m + 1) == 0))).collect();
    for _ in 0..30 {
        let off: f64 = (0..m)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * m + j].powi(2))
            .sum();
        if off == 0.0 {
            break;
        }
        for p in 0..m {
            for q in p + 1..m {
                rotate(&mut a, &mut v, m, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&i, &j| a[i * m + i].total_cmp(&a[j * m + j]));
    let values = order.iter().map(|&k| a[k * m + k]).collect();
    let mut sorted = vec![0.0; m * m];
    for (to, &from) in order.iter().enumerate() {
        for i in 0..m {
            sorted[i * m + to] = v[i * m + from];
        }
    }
    (values, sorted)
}

/// One Jacobi rotation that annihilates `a[p][q]`.
fn rotate(a: &mut [f64], v: &mut [f64], m: usize, p: usize, q: usize) {
    let apq = a[p * m + q];
    if apq.abs() < f64::MIN_POSITIVE {
        a[p * m + q] = 0.0;
        a[q * m + p] = 0.0;
        return;
    }
    let theta = (a[q * m + q] - a[p * m + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..m {
        let (x, y) = (a[k * m + p], a[k * m + q]);
        (a[k * m + p], a[k * m + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..m {
        let (x, y) = (a[p * m + k], a[q * m + k]);
        (a[p * m + k], a[q * m + k]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (v[k * m + p], v[k * m + q]);
        (v[k * m + p], v[k * m + q]) = (c * x - s * y, s * x + c * y);
    }
    a[p * m + q] = 0.0;
    a[q * m + p] = 0.0;
}

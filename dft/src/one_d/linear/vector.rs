//! Sums over long vectors, in partial sums that the compiler keeps in vector registers: one order on every machine.

use pulp::Arch;

/// `a . b`, in eight partial sums.
pub(in crate::one_d) fn dot(a: &[f64], b: &[f64]) -> f64 {
    Arch::new().dispatch(|| {
        let (a, a_rest) = a.as_chunks::<8>();
        let (b, b_rest) = b.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for (a, b) in a.iter().zip(b) {
            for l in 0..8 {
                sums[l] += a[l] * b[l];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f64>() + rest
    })
}

/// `y + c x` in place.
pub(in crate::one_d) fn axpy(y: &mut [f64], c: f64, x: &[f64]) {
    Arch::new().dispatch(|| y.iter_mut().zip(x).for_each(|(y, x)| *y += c * x));
}

/// `x/|x|` in place; the norm that it had.
pub(in crate::one_d) fn normalise(x: &mut [f64]) -> f64 {
    let norm = dot(x, x).sqrt();
    let factor = 1.0 / norm;
    x.iter_mut().for_each(|x| *x *= factor);
    norm
}

/// Takes from `x` its parts along orthonormal `others`.
pub(in crate::one_d) fn project_out<'a>(
    others: impl IntoIterator<Item = &'a [f64]>,
    x: &mut [f64],
) {
    for other in others {
        axpy(x, -dot(other, x), other);
    }
}

/// Vectors as slices, for [`project_out`].
pub(in crate::one_d) fn slices(vectors: &[Vec<f64>]) -> impl Iterator<Item = &[f64]> {
    vectors.iter().map(Vec::as_slice)
}

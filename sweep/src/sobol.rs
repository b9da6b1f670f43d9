//! Sobol's sequence (I. M. Sobol, 1967), by the direction numbers of S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better
//! two-dimensional projections", SIAM J. Sci. Comput. 30 (2008): `new-joe-kuo-6`.

/// Degree, coefficients and first direction numbers of each dimension's primitive polynomial, from the second dimension on.
const POLYNOMIALS: &[(u32, u32, &[u32])] = &[
    (1, 0, &[1]),
    (2, 1, &[1, 3]),
    (3, 1, &[1, 3, 1]),
    (3, 2, &[1, 1, 1]),
    (4, 1, &[1, 1, 3, 3]),
    (4, 4, &[1, 3, 5, 13]),
    (5, 2, &[1, 1, 5, 5, 17]),
    (5, 4, &[1, 1, 5, 5, 5]),
    (5, 7, &[1, 1, 7, 11, 19]),
];

/// Dimensions that there are.
pub(crate) const DIMENSIONS: usize = POLYNOMIALS.len() + 1;

const BITS: u32 = 32;

/// Directions `v_1 ... v_32` of a dimension, as fractions of `2^32`.
fn directions(dimension: usize) -> [u32; BITS as usize] {
    let mut v = [0; BITS as usize];
    if dimension == 0 {
        (0..BITS).for_each(|k| v[k as usize] = 1 << (BITS - 1 - k));
        return v;
    }
    let (degree, coefficients, first) = POLYNOMIALS[dimension - 1];
    for k in 0..BITS as usize {
        let s = degree as usize;
        if k < s {
            v[k] = first[k] << (BITS as usize - 1 - k);
            continue;
        }
        v[k] = v[k - s] ^ (v[k - s] >> degree);
        for j in 1..s {
            if coefficients >> (s - 1 - j) & 1 == 1 {
                v[k] ^= v[k - j];
            }
        }
    }
    v
}

/// Coordinate `dimension` of point `index` in `[0, 1)`, in the order of the Gray code; point 0 is the origin.
pub(crate) fn coordinate(index: u32, dimension: usize) -> f64 {
    let (v, gray) = (directions(dimension), index ^ (index >> 1));
    let bits = (0..BITS as usize).filter(|k| gray >> k & 1 == 1);
    f64::from(bits.fold(0, |sum, k| sum ^ v[k])) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{DIMENSIONS, coordinate};

    #[test]
    fn the_first_points_are_those_of_scipy() {
        // scipy 1.17.1: scipy.stats.qmc.Sobol(10, scramble=False).random(8)[[3, 5, 7]]
        let peer: [(u32, [f64; DIMENSIONS]); 3] = [
            (3, [0.25, 0.75, 0.75, 0.75, 0.25, 0.25, 0.75, 0.25, 0.25, 0.25]),
            (5, [0.875, 0.875, 0.125, 0.375, 0.875, 0.625, 0.875, 0.375, 0.375, 0.125]),
            (7, [0.125, 0.625, 0.375, 0.125, 0.125, 0.375, 0.625, 0.625, 0.625, 0.875]),
        ];
        for (index, point) in peer {
            for (dimension, wanted) in point.into_iter().enumerate() {
                assert_eq!(coordinate(index, dimension), wanted, "point {index}, {dimension}");
            }
        }
    }

    #[test]
    fn every_dimension_is_stratified() {
        for dimension in 0..DIMENSIONS {
            let mut cells = [0; 256];
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below 256"
            )]
            (0..256).for_each(|k| cells[(coordinate(k, dimension) * 256.0) as usize] += 1);
            assert!(cells.iter().all(|n| *n == 1), "dimension {dimension}");
        }
    }
}

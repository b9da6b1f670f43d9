//! The points of a series as what an eye can tell apart.

/// Points beyond which a curve is thinned.
const MANY: usize = 1500;
/// Columns of a thinned curve.
const COLUMNS: usize = 480;

/// The points of a curve whose x does not fall, at most four a column of the picture: first, least, greatest and last, in their
/// order. What is left looks the same. Other curves stay as they are.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MANY || points.windows(2).any(|w| w[1].0 < w[0].0) {
        return points.to_vec();
    }
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let width = ((last - first) / COLUMNS as f64).max(f64::MIN_POSITIVE);
    let column = |p: &(f64, f64)| ((p.0 - first) / width).floor();
    let mut kept = Vec::with_capacity(4 * COLUMNS);
    for run in points.chunk_by(|a, b| column(a).total_cmp(&column(b)).is_eq()) {
        let extreme = |sign: f64| {
            let better = |a: &usize, b: &usize| (sign * run[*a].1).total_cmp(&(sign * run[*b].1));
            (0..run.len()).max_by(better).unwrap_or(0)
        };
        let mut chosen = [0, extreme(-1.0), extreme(1.0), run.len() - 1];
        chosen.sort_unstable();
        let mut before = None;
        for k in chosen {
            if before != Some(k) {
                kept.push(run[k]);
            }
            before = Some(k);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, thinned};

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_extremes() {
        let points: Vec<_> = (0..100_000)
            .map(|k| (f64::from(k), if k == 54_321 { 9.0 } else { f64::from(k % 7) }))
            .collect();
        let kept = thinned(&points);
        assert!(kept.len() <= 4 * (COLUMNS + 1), "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[99_999]));
        assert!(kept.contains(&(54_321.0, 9.0)));
        assert!(kept.windows(2).all(|w| w[0].0 <= w[1].0));
        let back = [(0.0, 0.0), (2.0, 1.0), (1.0, 0.0)].repeat(1000);
        assert_eq!(thinned(&back), back, "a loop is left alone");
    }
}

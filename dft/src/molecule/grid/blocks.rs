//! Points that are near each other, together.

/// Most points in a block.
pub(super) const BLOCK: usize = 256;

/// Orders points so that every block of the given lengths is compact: a tree that halves the points along the longest side of their box.
///
/// Returns the order and the lengths of the blocks, all at most [`BLOCK`].
pub(super) fn compact(points: &[[f64; 3]]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..points.len()).collect();
    let mut lengths = Vec::new();
    halve(points, &mut order, &mut lengths);
    (order, lengths)
}

fn halve(points: &[[f64; 3]], order: &mut [usize], lengths: &mut Vec<usize>) {
    if order.len() <= BLOCK {
        if !order.is_empty() {
            order.sort_unstable();
            lengths.push(order.len());
        }
        return;
    }
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    for k in order.iter() {
        for x in 0..3 {
            low[x] = low[x].min(points[*k][x]);
            high[x] = high[x].max(points[*k][x]);
        }
    }
    let mut axis = 0;
    for x in 1..3 {
        if high[x] - low[x] > high[axis] - low[axis] {
            axis = x;
        }
    }
    // whole blocks on the left, so that few are short
    let middle = (order.len() / 2).next_multiple_of(BLOCK).min(order.len() - 1);
    let by_axis =
        |a: &usize, b: &usize| points[*a][axis].total_cmp(&points[*b][axis]).then_with(|| a.cmp(b));
    order.select_nth_unstable_by(middle, by_axis);
    let (left, right) = order.split_at_mut(middle);
    halve(points, left, lengths);
    halve(points, right, lengths);
}

//! Construction by the surface area heuristic over bins (Wald, IEEE RT 2007).

use super::bounds::Bounds;
use crate::geometry::id;

/// Bins along each axis.
const BINS: usize = 16;
/// Most primitives of a leaf.
const LEAF: usize = 4;
/// Below this depth nodes are cut in halves by count, which bounds the depth of every tree by this and 32 more.
const HEURISTIC_DEPTH: usize = 30;
/// Cost of visiting a node relative to one intersection.
const VISIT: f64 = 1.0;

/// A node during construction.
#[derive(Debug)]
pub(crate) enum Built {
    /// Primitives `order[first..first + count]`.
    Leaf { first: u32, count: u32 },
    /// Two children with their boxes.
    Inner { boxes: [Bounds; 2], children: [u32; 2] },
}

/// The tree over boxes of primitives: nodes (the first is the root) and the order of the primitives.
pub(crate) fn build(boxes: &[Bounds]) -> (Vec<Built>, Vec<u32>) {
    let mut order: Vec<u32> = (0..boxes.len()).map(id).collect();
    let mut nodes = Vec::with_capacity(boxes.len());
    // (node, first, count, depth)
    nodes.push(Built::Leaf { first: 0, count: id(order.len()) });
    let mut open = vec![(0_usize, 0_usize, order.len(), 0_usize)];
    while let Some((node, first, count, depth)) = open.pop() {
        let part = &mut order[first..first + count];
        let Some(left) = split(boxes, part, depth) else { continue };
        let of =
            |part: &[u32]| part.iter().fold(Bounds::empty(), |b, p| b.union(&boxes[*p as usize]));
        let child_boxes = [of(&part[..left]), of(&part[left..])];
        let children = [id(nodes.len()), id(nodes.len() + 1)];
        nodes[node] = Built::Inner { boxes: child_boxes, children };
        for (k, (first, count)) in
            [(first, left), (first + left, count - left)].into_iter().enumerate()
        {
            nodes.push(Built::Leaf { first: id(first), count: id(count) });
            open.push((children[k] as usize, first, count, depth + 1));
        }
    }
    (nodes, order)
}

/// Partitions `part` and returns the size of its left side; `None` where it should be a leaf.
fn split(boxes: &[Bounds], part: &mut [u32], depth: usize) -> Option<usize> {
    if part.len() <= 1 {
        return None;
    }
    let centres = part.iter().fold(Bounds::empty(), |b, p| b.with(boxes[*p as usize].centre()));
    let all = part.iter().fold(Bounds::empty(), |b, p| b.union(&boxes[*p as usize]));
    let halves = |part: &[u32]| (part.len() > LEAF).then_some(part.len() / 2);
    if depth >= HEURISTIC_DEPTH {
        return halves(part);
    }
    let best = (0..3)
        .filter_map(|axis| {
            best_cut(boxes, part, &centres, axis).map(|(cost, bin)| (cost, axis, bin))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((cost, axis, bin)) = best else { return halves(part) };
    let area = all.half_area();
    if part.len() <= LEAF && cost + VISIT * area >= area * part.len() as f64 {
        return None;
    }
    let (lo, scale) = bin_scale(&centres, axis);
    let mut left = 0;
    for k in 0..part.len() {
        if bin_of(boxes[part[k] as usize].centre()[axis], lo, scale) <= bin {
            part.swap(left, k);
            left += 1;
        }
    }
    Some(left)
}

/// Least `sum area * count` over the cuts along `axis`, and the last bin on the left. `None` where all centres coincide.
fn best_cut(boxes: &[Bounds], part: &[u32], centres: &Bounds, axis: usize) -> Option<(f64, usize)> {
    let (lo, scale) = bin_scale(centres, axis);
    if !scale.is_finite() {
        return None;
    }
    let mut bins = [(Bounds::empty(), 0_usize); BINS];
    for p in part {
        let b = &boxes[*p as usize];
        let bin = &mut bins[bin_of(b.centre()[axis], lo, scale)];
        *bin = (bin.0.union(b), bin.1 + 1);
    }
    let cost = |side: (Bounds, usize)| side.0.half_area() * side.1 as f64;
    let add = |a: (Bounds, usize), b: &(Bounds, usize)| (a.0.union(&b.0), a.1 + b.1);
    let mut right = [0.0; BINS];
    let mut sum = (Bounds::empty(), 0);
    for k in (1..BINS).rev() {
        sum = add(sum, &bins[k]);
        right[k] = cost(sum);
    }
    let mut sum = (Bounds::empty(), 0);
    let mut best: Option<(f64, usize)> = None;
    for k in 0..BINS - 1 {
        sum = add(sum, &bins[k]);
        if sum.1 == 0 || sum.1 == part.len() {
            continue;
        }
        let total = cost(sum) + right[k + 1];
        if best.is_none_or(|b| total < b.0) {
            best = Some((total, k));
        }
    }
    best
}

fn bin_scale(centres: &Bounds, axis: usize) -> (f64, f64) {
    let (lo, hi) = (centres.lo[axis], centres.hi[axis]);
    (lo, BINS as f64 / (hi - lo))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product is within [0, BINS]; the cast drops the fraction on purpose"
)]
fn bin_of(x: f64, lo: f64, scale: f64) -> usize {
    (((x - lo) * scale) as usize).min(BINS - 1)
}

//! Construction: sets of primitives are cut until a node has eight children, then each child that is too large for a leaf is a node as well.
//! Subtrees are built side by side, each in its own part of the primitives, so that the tree is the same on any number of threads.

use pulp::Arch;
use rayon::prelude::*;

use super::leaf::Leaves;
use super::node::{Child, Link, Node, WIDTH, rounded};
use super::octet::dispatch;
use super::split::{Around, Item, Outline, Split, half_area};
use super::triangle::Triangle;
use crate::geometry::{V3, id};

/// Most primitives of a leaf.
const LEAF: usize = 8;
/// Primitives of a leaf as they come.
const FILL: usize = 6;
/// A larger set is cut further until a node has all its children.
const FULL: usize = 44;
/// Below this depth sets are cut in halves by count, which bounds the depth of every tree by this and 32 more.
const HEURISTIC_DEPTH: usize = 30;
/// Smaller subtrees are built by one thread.
const SERIAL: usize = 1 << 13;

/// Nodes of a subtree, the first is its root, and its leaves: first primitive and how many.
#[derive(Debug, Default)]
struct Part {
    nodes: Vec<Node>,
    leaves: Vec<[u32; 2]>,
}

/// Primitives that stand together.
#[derive(Clone, Copy, Debug)]
struct Set {
    first: usize,
    count: usize,
    outline: Outline,
    depth: usize,
}

/// The nodes and leaves over triangles, and these in the order of the leaves.
pub(super) fn build(corners: &[[V3; 3]]) -> (Vec<Node>, Leaves, Vec<Triangle>) {
    let mut items: Vec<Item> =
        corners.par_iter().enumerate().with_min_len(SERIAL).map(|(k, c)| item(c, id(k))).collect();
    let outline = dispatch(Arch::new(), Around(&items));
    let all = Set { first: 0, count: items.len(), outline, depth: 0 };
    let Part { mut nodes, leaves } = grow(&mut items, 0, all);
    let triangle = |item: &Item| {
        let face = item.number();
        Triangle::new(corners[face as usize], face)
    };
    let triangles: Vec<Triangle> = items.par_iter().with_min_len(SERIAL).map(triangle).collect();
    let (leaves, places) = Leaves::new(&triangles, &leaves);
    for link in nodes.iter_mut().flat_map(|n| &mut n.links) {
        if let Child::Leaf(leaf) = link.child() {
            *link = Link::leaf(places[leaf]);
        }
    }
    (nodes, leaves, triangles)
}

fn item(corners: &[V3; 3], face: u32) -> Item {
    let [a, b, c] = corners;
    let range = |k: usize| rounded(a[k].min(b[k]).min(c[k]), a[k].max(b[k]).max(c[k]));
    Item::new([range(0), range(1), range(2)], face)
}

/// The subtree over a set, whose primitives are `items`, the first of which is number `first` of all.
fn grow(items: &mut [Item], first: usize, set: Set) -> Part {
    if set.count > SERIAL {
        return side_by_side(items, first, set);
    }
    let mut part = Part::default();
    let mut open = vec![(0, set)];
    part.nodes.push(Node::EMPTY);
    while let Some((at, set)) = open.pop() {
        let (sets, count) = children(items, set);
        for (c, set) in sets.iter().take(count).enumerate() {
            part.nodes[at].set_extent(c, &set.outline.boxes);
            part.nodes[at].links[c] = if set.count <= LEAF {
                part.leaves.push([id(first + set.first), id(set.count)]);
                Link::leaf(id(part.leaves.len() - 1))
            } else {
                open.push((part.nodes.len(), *set));
                part.nodes.push(Node::EMPTY);
                Link::node(id(part.nodes.len() - 1))
            };
        }
    }
    part
}

/// The same by several threads, child by child.
fn side_by_side(items: &mut [Item], first: usize, set: Set) -> Part {
    let (sets, count) = children(items, set);
    let mut sets = sets[..count].to_vec();
    sets.sort_unstable_by_key(|s| s.first);
    let mut tasks = Vec::new();
    let mut rest = items;
    for set in &sets {
        let (own, others) = rest.split_at_mut(set.count);
        rest = others;
        tasks.push((own, first + set.first, Set { first: 0, ..*set }));
    }
    let parts: Vec<Part> = tasks
        .into_par_iter()
        .map(|(items, first, set)| {
            if set.count > LEAF {
                return grow(items, first, set);
            }
            Part { nodes: vec![], leaves: vec![[id(first), id(set.count)]] }
        })
        .collect();
    let mut whole = Part { nodes: vec![Node::EMPTY], leaves: vec![] };
    for (c, (set, mut part)) in sets.iter().zip(parts).enumerate() {
        let (nodes, leaves) = (id(whole.nodes.len()), id(whole.leaves.len()));
        let root = if part.nodes.is_empty() { Link::leaf(0) } else { Link::node(0) };
        whole.nodes[0].set_extent(c, &set.outline.boxes);
        whole.nodes[0].links[c] = root.moved(nodes, leaves);
        for link in part.nodes.iter_mut().flat_map(|n| &mut n.links) {
            *link = link.moved(nodes, leaves);
        }
        whole.nodes.append(&mut part.nodes);
        whole.leaves.append(&mut part.leaves);
    }
    whole
}

/// Cuts a set until there are eight, or all fit into leaves; those of the largest boxes first.
fn children(items: &mut [Item], set: Set) -> ([Set; WIDTH], usize) {
    let mut sets = [set; WIDTH];
    let mut areas = [0.0; WIDTH];
    let mut count = usize::from(set.count > 0);
    areas[0] = f32::INFINITY;
    while count < WIDTH {
        let open = |above: usize| {
            let large = (0..count).filter(|k| sets[*k].count > above);
            large.max_by(|i, j| areas[*i].total_cmp(&areas[*j]))
        };
        // a set that fills a node of its own is opened where there is room for all of its leaves
        let fits =
            |k: &usize| sets[*k].count > LEAF && sets[*k].count.div_ceil(FILL) + count <= WIDTH + 1;
        let small = || (0..count).filter(fits).max_by(|i, j| areas[*i].total_cmp(&areas[*j]));
        let largest = if count == 1 { open(LEAF) } else { open(FULL).or_else(small) };
        let Some(largest) = largest else { break };
        let halves = cut(items, &sets[largest]);
        for (place, half) in [largest, count].into_iter().zip(halves) {
            (sets[place], areas[place]) = (half, half_area(&half.outline.boxes));
        }
        count += 1;
    }
    (sets, count)
}

/// Both parts of a set.
fn cut(items: &mut [Item], set: &Set) -> [Set; 2] {
    let items = &mut items[set.first..set.first + set.count];
    let arch = Arch::new();
    let split = if set.depth < HEURISTIC_DEPTH {
        dispatch(arch, Split { items, centres: &set.outline.centres })
    } else {
        None
    };
    let (left, outlines) = split.unwrap_or_else(|| {
        let left = items.len() / 2;
        (left, [&items[..left], &items[left..]].map(|part| dispatch(arch, Around(part))))
    });
    let part = |first, count, outline| Set { first, count, outline, depth: set.depth + 1 };
    [part(set.first, left, outlines[0]), part(set.first + left, set.count - left, outlines[1])]
}

//! The edges of a world: where edges of one mesh or of several lie on each other, they are one edge.
//!
//! A triangle soup, a wall that ends where another begins, a tile whose neighbour is half as long: each has several mesh edges at
//! one place, and a jump of the radiance there must be counted once. All edges are sorted by the line that they lie on; on a
//! line that holds more than one, they are cut at each other's ends, and pieces that coincide become one edge with the faces
//! of all. Its motion is the mean of the motions of its *copies*: of the mesh edges that it was made of.

use crate::geometry::{V3, id, length, unit};
use crate::shape::TriangleMesh;

use super::edges::{Copy, EdgeSide, Edges, box_around};
use super::surface::Face;

/// Distance below which points are one, relative to the size of the scene: more than the rounding of placed points, and less than any
/// detail that doubles can hold beside it.
const SAME: f64 = 1e-11;
/// How far the keys of lines that coincide may lie apart, relative to the size of the scene.
const SAME_LINE: f64 = 1e-8;
/// Two faces whose normals differ by less than this angle (radians) form no edge: nothing is discontinuous there.
const FLAT: f64 = 1e-9;

/// A mesh edge in the world.
#[derive(Clone, Copy, Debug)]
struct Single {
    mesh: u32,
    ends: [u32; 2],
    sides: [u32; 2],
}

/// The edges of these meshes, whose vertices and faces stand in the world one mesh after the other.
pub(super) fn overlaid<'a>(
    meshes: impl Iterator<Item = &'a TriangleMesh>,
    vertices: &[V3],
    faces: &[Face],
) -> Edges {
    let (mut singles, mut single_sides) = (Vec::new(), Vec::new());
    let (mut first_vertex, mut first_face) = (0, 0);
    for (mesh, shape) in meshes.enumerate() {
        for e in shape.edges() {
            let first = id(single_sides.len());
            single_sides.extend(e.sides.iter().map(|s| EdgeSide {
                face: first_face + s.face,
                opposite: first_vertex + s.opposite,
            }));
            let ends = e.ends.map(|v| first_vertex + v);
            let sides = [first, id(single_sides.len())];
            singles.push(Single { mesh: id(mesh), ends, sides });
        }
        first_vertex += id(shape.vertices().len());
        first_face += id(shape.faces().len());
    }
    let overlay = Overlay { vertices, faces, singles: &singles, sides: &single_sides };
    overlay.edges()
}

/// Mesh edges that are laid over each other.
struct Overlay<'a> {
    vertices: &'a [V3],
    faces: &'a [Face],
    singles: &'a [Single],
    sides: &'a [EdgeSide],
}

impl Overlay<'_> {
    fn edges(&self) -> Edges {
        let (centre, size) = self.extent();
        let mut keys: Vec<(f64, u32)> =
            (0..self.singles.len()).map(|k| (self.line_key(k, centre, size), id(k))).collect();
        keys.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut edges = Edges::default();
        let near = |a: &(f64, u32), b: &(f64, u32)| b.0 - a.0 <= SAME_LINE * size;
        for cluster in keys.chunk_by(near) {
            let mut rest: Vec<u32> = cluster.iter().map(|c| c.1).collect();
            while let Some(line) = self.take_line(&mut rest, SAME * size) {
                self.lay(&line, SAME * size, &mut edges);
            }
        }
        edges
    }

    fn extent(&self) -> (V3, f64) {
        let [lo, hi] = box_around(self.vertices.iter().copied());
        ((lo + hi) * 0.5, length(hi - lo))
    }

    fn points(&self, single: u32) -> [V3; 2] {
        self.singles[single as usize].ends.map(|v| self.vertices[v as usize])
    }

    /// A number that edges on one line share and others hardly ever do: a generic linear function of the line's direction and of its
    /// point next to the centre.
    fn line_key(&self, single: usize, centre: V3, size: f64) -> f64 {
        const A: [f64; 3] = [0.577_215_664_9, 0.302_585_093_0, -0.428_657_154_2];
        const B: [f64; 3] = [0.367_879_441_2, -0.739_085_133_2, 0.567_143_290_4];
        let [p, q] = self.points(id(single));
        let d = unit(q - p);
        let d = if d.dot(V3::from([0.618_034, 0.414_214, 0.324_718])) < 0.0 { -d } else { d };
        let from = p - centre;
        let foot = from - d * from.dot(d);
        size * d.dot(V3::from(A)) + foot.dot(V3::from(B))
    }

    /// Takes out the longest edge and all that lie on its line; the longest stands first. `None` of nothing.
    fn take_line(&self, rest: &mut Vec<u32>, same: f64) -> Option<Vec<u32>> {
        let size = |e: u32| {
            let [p, q] = self.points(e);
            (q - p).norm_squared()
        };
        if rest.len() <= 1 {
            return rest.pop().map(|e| vec![e]);
        }
        let longest = rest.iter().copied().reduce(|a, b| if size(b) > size(a) { b } else { a })?;
        let [p, q] = self.points(longest);
        let d = unit(q - p);
        let off = |x: V3| length((x - p).cross(d));
        let on_line = |e: u32| self.points(e).into_iter().all(|x| off(x) <= same);
        let mut line = vec![longest];
        rest.retain(|&e| {
            let taken = e != longest && on_line(e);
            if taken {
                line.push(e);
            }
            !(taken || e == longest)
        });
        Some(line)
    }

    /// Cuts edges of one line at each other's ends.
    fn lay(&self, line: &[u32], same: f64, edges: &mut Edges) {
        if let [one] = line {
            return self.whole(*one, edges);
        }
        let [p, q] = self.points(line[0]);
        let d = unit(q - p);
        // ends along the line, of each edge in its own order
        let spans: Vec<(u32, [f64; 2])> =
            line.iter().map(|&e| (e, self.points(e).map(|x| (x - p).dot(d)))).collect();
        let low = |s: &(u32, [f64; 2])| s.1[0].min(s.1[1]);
        let high = |s: &(u32, [f64; 2])| s.1[0].max(s.1[1]);
        let mut order = spans;
        order.sort_by(|a, b| low(a).total_cmp(&low(b)).then(a.0.cmp(&b.0)));
        let mut first = 0;
        while first < order.len() {
            // a run of edges that overlap
            let (mut last, mut reach) = (first + 1, high(&order[first]));
            while last < order.len() && low(&order[last]) < reach - same {
                reach = reach.max(high(&order[last]));
                last += 1;
            }
            match &order[first..last] {
                [one] => self.whole(one.0, edges),
                run => self.cut(run, same, edges),
            }
            first = last;
        }
    }

    /// An edge that lies on no other.
    fn whole(&self, single: u32, edges: &mut Edges) {
        let s = &self.singles[single as usize];
        let sides = &self.sides[s.sides[0] as usize..s.sides[1] as usize];
        let points = self.points(single);
        if !(self.is_flat(points, sides) && self.goes_on(s.ends, sides)) {
            let copy = Copy { mesh: s.mesh, ends: s.ends, part: [0.0, 1.0] };
            let seamless = self.is_seamless(s.ends, sides);
            edges.push(points, seamless, None, &[copy], sides.iter().copied());
        }
    }

    /// Edges that overlap, given with their ends along the line.
    fn cut(&self, run: &[(u32, [f64; 2])], same: f64, edges: &mut Edges) {
        let mut ends: Vec<f64> = run.iter().flat_map(|r| r.1).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup_by(|b, a| *b - *a <= same);
        for piece in ends.windows(2) {
            let middle = 0.5 * (piece[0] + piece[1]);
            let over: Vec<_> =
                run.iter().filter(|(_, [a, b])| a.min(*b) < middle && middle < a.max(*b)).collect();
            let copies: Vec<Copy> = over
                .iter()
                .map(|(e, [a, b])| {
                    let s = &self.singles[*e as usize];
                    // an end that is the edge's own stays it, without rounding
                    let fraction = |x: f64| {
                        if (x - a).abs() <= same {
                            0.0
                        } else if (x - b).abs() <= same {
                            1.0
                        } else {
                            (x - a) / (b - a)
                        }
                    };
                    let part = [fraction(piece[0]), fraction(piece[1])];
                    Copy { mesh: s.mesh, ends: s.ends, part }
                })
                .collect();
            let Some(copy) = copies.first() else { continue };
            let points = copy.points(self.vertices);
            let sides: Vec<EdgeSide> = over
                .iter()
                .flat_map(|(e, _)| {
                    let [a, b] = self.singles[*e as usize].sides;
                    &self.sides[a as usize..b as usize]
                })
                .copied()
                .collect();
            let plain = sides.iter().map(|s| &self.faces[s.face as usize]);
            let plain = plain.into_iter().all(|f| f.uv.is_none() && f.normals.is_none());
            if !(plain && self.is_flat(points, &sides)) {
                edges.push(points, false, None, &copies, sides.into_iter());
            }
        }
    }

    /// Whether two faces of one mesh have the same texture coordinates, and the same normals where they are shaded smoothly, at
    /// both ends of their edge.
    fn goes_on(&self, ends: [u32; 2], sides: &[EdgeSide]) -> bool {
        let [a, b] = sides else { return false };
        let [f, g] = [a, b].map(|s| &self.faces[s.face as usize]);
        let at = |f: &Face, of: Option<[u32; 3]>, end: u32| {
            let corner = f.corners.iter().position(|c| *c == end)?;
            Some(of?[corner])
        };
        ends.iter().all(|e| at(f, f.uv, *e) == at(g, g.uv, *e))
            && ends.iter().all(|e| at(f, f.normals, *e) == at(g, g.normals, *e))
    }

    /// The same where the normals are shared and not those of the faces.
    fn is_seamless(&self, ends: [u32; 2], sides: &[EdgeSide]) -> bool {
        let smooth = |s: &EdgeSide| self.faces[s.face as usize].normals.is_some();
        sides.iter().all(smooth) && self.goes_on(ends, sides)
    }

    /// Whether nothing can jump: two faces of one mesh that continue each other with the same front.
    fn is_flat(&self, [p, q]: [V3; 2], sides: &[EdgeSide]) -> bool {
        let [a, b] = sides else { return false };
        let [f, g] = [a, b].map(|s| &self.faces[s.face as usize]);
        let (n, m) = (f.normal, g.normal);
        let off = |s: &EdgeSide| (q - p).cross(self.vertices[s.opposite as usize] - p);
        f.mesh == g.mesh
            && off(a).dot(off(b)) < 0.0
            && n.dot(m) > 0.0
            && length(n.cross(m)) <= FLAT * length(n) * length(m)
    }
}

#[cfg(test)]
mod tests {
    use super::{Edges, overlaid};
    use crate::geometry::V3;
    use crate::scene::Face;
    use crate::shape::TriangleMesh;

    /// Edges of meshes that stand where their coordinates say.
    fn edges(meshes: &[TriangleMesh]) -> Edges {
        let (mut vertices, mut faces): (Vec<V3>, Vec<Face>) = (Vec::new(), Vec::new());
        for (k, m) in meshes.iter().enumerate() {
            let first = vertices.len() as u32;
            vertices.extend_from_slice(m.vertices());
            faces.extend(m.faces().iter().map(|f| {
                let corners = f.map(|v| first + v);
                let [a, b, c] = corners.map(|v| vertices[v as usize]);
                Face {
                    corners,
                    mesh: k as u32,
                    normal: (b - a).cross(c - a),
                    inverse: 1.0,
                    normals: None,
                    uv: None,
                }
            }));
        }
        overlaid(meshes.iter(), &vertices, &faces)
    }

    fn quad([a, b]: [[f64; 2]; 2], up: usize) -> TriangleMesh {
        let corner = |x: f64, y: f64| if up == 2 { [x, y, 0.0] } else { [x, 0.0, y] };
        let corners =
            [corner(a[0], a[1]), corner(b[0], a[1]), corner(b[0], b[1]), corner(a[0], b[1])];
        TriangleMesh::new(&corners, &[[0, 1, 2], [0, 2, 3]]).unwrap()
    }

    fn total(edges: &Edges) -> f64 {
        edges.all.iter().map(|e| (e.points[1] - e.points[0]).norm()).sum()
    }

    #[test]
    fn a_soup_has_the_edges_of_the_welded_mesh() {
        let mesh = crate::reference::icosphere([0.1, 0.2, 0.3], 0.7, 2);
        let corner = |v: &u32| mesh.vertices()[*v as usize].0;
        let points: Vec<[f64; 3]> = mesh.faces().iter().flatten().map(corner).collect();
        let faces: Vec<_> =
            (0..mesh.faces().len()).map(|f| [3 * f, 3 * f + 1, 3 * f + 2]).collect();
        let soup = TriangleMesh::new(&points, &faces).unwrap();
        let (welded, apart) = (edges(&[mesh]), edges(&[soup]));
        assert_eq!((welded.all.len(), apart.all.len()), (480, 480));
        assert!(apart.all.iter().all(|e| apart.sides(e).len() == 2 && apart.copies(e).len() == 2));
        assert!((total(&welded) - total(&apart)).abs() < 1e-12);
    }

    #[test]
    fn edges_that_overlap_in_part_are_cut_at_each_others_ends() {
        // a floor of 4 x 1 and walls on its border: from 1 to 2, and from 2 to 6
        let floor = quad([[0.0, 0.0], [4.0, 1.0]], 2);
        let walls = [quad([[1.0, 0.0], [2.0, 1.0]], 1), quad([[2.0, 0.0], [6.0, 1.0]], 1)];
        let [a, b] = walls;
        let found = edges(&[floor, a, b]);
        // on the line: [0,1] floor, [1,2] both, [2,4] both, [4,6] wall; between the walls, which continue each other
        // in one plane and are two meshes, one edge of length 1
        assert!(
            (total(&found) - (6.0 + 4.0 + 2.0 + 1.0 + 1.0 + 1.0 + 4.0 + 1.0 - 0.0)).abs() < 1.1
        );
        let shared: Vec<_> = found
            .all
            .iter()
            .filter(|e| e.points.iter().all(|p| p[1] == 0.0 && p[2] == 0.0))
            .map(|e| (e.points.map(|p| p[0]), found.copies(e).len(), found.sides(e).len()))
            .collect();
        let sorted = |e: [f64; 2]| [e[0].min(e[1]), e[0].max(e[1])];
        let mut shared: Vec<_> = shared.into_iter().map(|(e, c, s)| (sorted(e), c, s)).collect();
        shared.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        assert_eq!(
            shared,
            [([0.0, 1.0], 1, 1), ([1.0, 2.0], 2, 2), ([2.0, 4.0], 2, 2), ([4.0, 6.0], 1, 1)]
        );
    }

    #[test]
    fn a_plane_of_tiles_in_one_mesh_has_its_border_alone() {
        // two rows of tiles, the second of twice the length: junctions like a T
        let mut corners = Vec::new();
        let mut faces = Vec::new();
        for [x0, x1, y0] in [[0.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 2.0, 1.0]] {
            let first = corners.len();
            corners.extend([
                [x0, y0, 0.0],
                [x1, y0, 0.0],
                [x1, y0 + 1.0, 0.0],
                [x0, y0 + 1.0, 0.0],
            ]);
            faces.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
        }
        let found = edges(&[TriangleMesh::new(&corners, &faces).unwrap()]);
        assert!((total(&found) - 8.0).abs() < 1e-12, "{}", total(&found));
    }
}

//! Where faces cut through each other: segments that no mesh has as an edge, and at which the radiance jumps as at a crease.
//!
//! Two triangles cut through each other where each has corners on both sides of the other's plane and the intervals that they cover on
//! the line of both planes overlap (Möller, Journal of Graphics Tools 2(2), 1997). Faces that only touch do not: a box on a floor,
//! walls that meet in a corner. An edge that lies in a face's plane does where faces of one mesh and one plane go on from it to
//! both sides.

use super::edges::{EdgeSide, Edges};
use super::surface::Face;
use crate::accel::{Bounds, Bvh};
use crate::geometry::{V3, id, length, unit};

/// Distance below which a corner lies in a plane, relative to the size of the scene.
const SAME: f64 = 1e-11;
/// Faces whose planes form a smaller angle than this (radians) are taken to lie in one plane.
const FLAT: f64 = 1e-9;

/// A segment in which two faces cut through each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crossing {
    pub(crate) points: [V3; 2],
    pub(crate) faces: [u32; 2],
    /// The first face on both sides of the second, and the second on both sides of the first.
    pub(crate) sides: [EdgeSide; 4],
}

impl Crossing {
    /// Appends itself: an edge with parts of both faces on either side, which throws no shadow.
    pub(super) fn push_to(&self, edges: &mut Edges) {
        edges.push(self.points, false, Some(self.faces), &[], self.sides.into_iter());
    }
}

/// A face as another one's plane sees it.
#[derive(Clone, Copy, Debug)]
struct Against {
    /// Where its outline meets the plane.
    ends: [V3; 2],
    /// Which of its corners lies farthest on the front and on the back of the plane; `None` where none does.
    front: Option<u32>,
    back: Option<u32>,
}

/// An edge of a face `of` that lies within the face `through`, with what `of` has on one side.
#[derive(Clone, Copy, Debug)]
struct Touch {
    through: u32,
    of: u32,
    points: [V3; 2],
    /// Corner of `of` off the plane, and whether it is on its front.
    corner: u32,
    front: bool,
    /// The sides of `through`.
    sides: [EdgeSide; 2],
}

/// All of a world, in the order of their faces.
pub(crate) fn crossings(vertices: &[V3], faces: &[Face], bvh: &Bvh) -> Vec<Crossing> {
    let whole = Bounds::of(vertices);
    let finder = Finder { vertices, faces, same: SAME * length(whole.hi - whole.lo) };
    let (mut found, mut touches) = (Vec::new(), Vec::new());
    let mut near = Vec::new();
    for f in 0..id(faces.len()) {
        near.clear();
        bvh.overlapping(&Bounds::of(&finder.corners(f)), |g| {
            if g > f {
                near.push(g);
            }
        });
        near.sort_unstable();
        for g in &near {
            finder.pair(f, *g, &mut found, &mut touches);
        }
    }
    finder.join(&touches, &mut found);
    found
}

struct Finder<'a> {
    vertices: &'a [V3],
    faces: &'a [Face],
    same: f64,
}

impl Finder<'_> {
    fn corners(&self, face: u32) -> [V3; 3] {
        self.faces[face as usize].corners.map(|v| self.vertices[v as usize])
    }

    fn normal(&self, face: u32) -> V3 {
        unit(self.faces[face as usize].normal)
    }

    /// How a face stands to the plane of another; `None` where it has no more than a corner in common with it.
    fn against(&self, face: u32, plane: u32) -> Option<Against> {
        let (n, p) = (self.normal(plane), self.corners(plane)[0]);
        let corners = self.corners(face);
        let heights =
            corners.map(|c| n.dot(c - p)).map(|h| if h.abs() > self.same { h } else { 0.0 });
        if heights.iter().all(|h| *h > 0.0) || heights.iter().all(|h| *h < 0.0) {
            return None;
        }
        let mut ends = [corners[0]; 2];
        let mut count = 0;
        for k in 0..3 {
            let (a, b) = (heights[k], heights[(k + 1) % 3]);
            let end = if a == 0.0 {
                corners[k]
            } else if a * b < 0.0 {
                corners[k] + (corners[(k + 1) % 3] - corners[k]) * (a / (a - b))
            } else {
                continue;
            };
            *ends.get_mut(count)? = end; // three in the plane span it
            count += 1;
        }
        let vertex = |k: usize| self.faces[face as usize].corners[k];
        let highest = |sign: f64| {
            let k = (0..3).max_by(|i, j| (sign * heights[*i]).total_cmp(&(sign * heights[*j])))?;
            (sign * heights[k] > 0.0).then(|| vertex(k))
        };
        (count == 2).then(|| Against { ends, front: highest(1.0), back: highest(-1.0) })
    }

    /// Appends what two faces have in common.
    fn pair(&self, f: u32, g: u32, found: &mut Vec<Crossing>, touches: &mut Vec<Touch>) {
        let shared = |v: &u32| self.faces[g as usize].corners.contains(v);
        if self.faces[f as usize].corners.iter().filter(|v| shared(v)).count() > 1 {
            return; // neighbours
        }
        let along = self.normal(f).cross(self.normal(g));
        if length(along) <= FLAT {
            return;
        }
        let Some(of_f) = self.against(f, g) else { return };
        let Some(of_g) = self.against(g, f) else { return };
        let Some(points) = self.overlap(&of_f, &of_g, unit(along)) else { return };
        match (self.both_sides(f, &of_f), self.both_sides(g, &of_g)) {
            (Some([a, b]), Some([c, d])) => {
                found.push(Crossing { points, faces: [f, g], sides: [a, b, c, d] });
            }
            (Some(sides), None) => touches.extend(touch(f, sides, g, &of_g, points)),
            (None, Some(sides)) => touches.extend(touch(g, sides, f, &of_f, points)),
            (None, None) => {}
        }
    }

    /// The part of a line that two faces cover both.
    fn overlap(&self, a: &Against, b: &Against, along: V3) -> Option<[V3; 2]> {
        let sorted = |ends: [V3; 2]| {
            let [p, q] = ends.map(|e| (along.dot(e - a.ends[0]), e));
            if p.0 <= q.0 { [p, q] } else { [q, p] }
        };
        let ([a_low, a_high], [b_low, b_high]) = (sorted(a.ends), sorted(b.ends));
        let low = if a_low.0 >= b_low.0 { a_low } else { b_low };
        let high = if a_high.0 <= b_high.0 { a_high } else { b_high };
        (high.0 - low.0 > self.same).then_some([low.1, high.1])
    }

    #[expect(clippy::unused_self, reason = "asked beside what asks the finder")]
    fn both_sides(&self, face: u32, of: &Against) -> Option<[EdgeSide; 2]> {
        Some([of.front?, of.back?].map(|opposite| EdgeSide { face, opposite }))
    }

    /// Appends edges that lie in a face and from which one plane of one mesh goes on to both of its sides.
    fn join(&self, touches: &[Touch], found: &mut Vec<Crossing>) {
        let mut touches = touches.to_vec();
        touches.sort_by_key(|t| (t.through, t.of));
        for same in touches.chunk_by(|a, b| a.through == b.through) {
            for a in same.iter().filter(|t| !t.front) {
                found.extend(same.iter().filter(|t| t.front).filter_map(|b| self.joined(a, b)));
            }
        }
    }

    /// Of two faces that touch a third one from its back and its front: where they go on as one through it.
    fn joined(&self, a: &Touch, b: &Touch) -> Option<Crossing> {
        let one_mesh = self.faces[a.of as usize].mesh == self.faces[b.of as usize].mesh;
        let bent = length(self.normal(a.of).cross(self.normal(b.of))) > FLAT;
        if !one_mesh || bent {
            return None;
        }
        let whole = |t: &Touch| Against { ends: t.points, front: None, back: None };
        let along = a.points[1] - a.points[0];
        let points = self.overlap(&whole(a), &whole(b), unit(along))?;
        let off = |p: V3| length((p - a.points[0]).cross(unit(along)));
        let side = |t: &Touch| EdgeSide { face: t.of, opposite: t.corner };
        let [c, d] = a.sides;
        (b.points.iter().all(|p| off(*p) <= self.same)).then(|| Crossing {
            points,
            faces: [a.through, a.of],
            sides: [c, d, side(a), side(b)],
        })
    }
}

/// The edge of a face that lies within another one.
fn touch(
    through: u32,
    sides: [EdgeSide; 2],
    of: u32,
    against: &Against,
    points: [V3; 2],
) -> Option<Touch> {
    let (corner, front) = match (against.front, against.back) {
        (Some(corner), None) => (corner, true),
        (None, Some(corner)) => (corner, false),
        _ => return None,
    };
    Some(Touch { through, of, points, corner, front, sides })
}

#[cfg(test)]
mod tests {
    use super::{Crossing, crossings};
    use crate::accel::Bvh;
    use crate::geometry::{V3, length};
    use crate::scene::Face;

    /// Faces of several meshes, given by their corners.
    fn found(meshes: &[&[[[f64; 3]; 3]]]) -> Vec<Crossing> {
        let (mut vertices, mut faces): (Vec<V3>, Vec<Face>) = (Vec::new(), Vec::new());
        for (mesh, corners) in meshes.iter().enumerate() {
            for c in *corners {
                let first = vertices.len() as u32;
                let [p, q, r] = c.map(V3::from);
                vertices.extend([p, q, r]);
                faces.push(Face {
                    corners: [first, first + 1, first + 2],
                    mesh: mesh as u32,
                    normal: (q - p).cross(r - p),
                    inverse: 1.0,
                    normals: None,
                    uv: None,
                });
            }
        }
        let corners: Vec<[V3; 3]> =
            faces.iter().map(|f| f.corners.map(|v| vertices[v as usize])).collect();
        crossings(&vertices, &faces, &Bvh::new(&corners))
    }

    fn total(found: &[Crossing]) -> f64 {
        found.iter().map(|c| length(c.points[1] - c.points[0])).sum()
    }

    /// The square `[-1, 1]^2` of two faces at the height 0.
    const FLOOR: [[[f64; 3]; 3]; 2] = [
        [[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0]],
        [[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]],
    ];

    /// An upright rectangle over `x` in `[-0.5, 0.5]` at `y = 0.1`, from the height `low` to `high`.
    fn wall(low: f64, high: f64) -> [[[f64; 3]; 3]; 2] {
        let corner = |x: f64, z: f64| [x, 0.1, z];
        let [a, b, c, d] =
            [corner(-0.5, low), corner(0.5, low), corner(0.5, high), corner(-0.5, high)];
        [[a, b, c], [a, c, d]]
    }

    #[test]
    fn a_wall_through_a_floor_cuts_it_in_a_line_of_its_width() {
        let cut = found(&[&FLOOR, &wall(-0.3, 0.6)]);
        assert!((total(&cut) - 1.0).abs() < 1e-12, "{cut:?}");
        for c in &cut {
            assert!(c.points.iter().all(|p| p[2].abs() < 1e-12 && (p[1] - 0.1).abs() < 1e-12));
            assert_eq!(c.sides.map(|s| s.face), [c.faces[0], c.faces[0], c.faces[1], c.faces[1]]);
        }
        // within one mesh as well
        let one = [FLOOR, wall(-0.3, 0.6)].concat();
        assert!((total(&found(&[&one])) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_touches_does_not_cut() {
        for (low, high) in [(0.0, 0.6), (-0.6, 0.0), (0.1, 0.6)] {
            assert!(found(&[&FLOOR, &wall(low, high)]).is_empty(), "{low} {high}");
        }
        assert!(found(&[&FLOOR, &FLOOR]).is_empty());
    }

    #[test]
    fn an_edge_in_the_plane_cuts_where_its_faces_go_on_below() {
        // the wall's two halves meet in the floor's plane
        let halves = [wall(0.0, 0.6), wall(-0.4, 0.0)].concat();
        let cut = found(&[&FLOOR, &halves]);
        assert!((total(&cut) - 1.0).abs() < 1e-12, "{cut:?}");
        // and two walls of different meshes that end there do not go on
        assert!(found(&[&FLOOR, &wall(0.0, 0.6), &wall(-0.4, 0.0)]).is_empty());
    }
}

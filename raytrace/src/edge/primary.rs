//! Edges that the camera sees: silhouettes, borders and creases.
//!
//! Where an edge crosses the film the radiance jumps from `L_-` to `L_+` along the normal `n` of its image. When it moves,
//! `dI = integral of (L_- - L_+) n . dp dl`, `p` the image of a point of the edge, in units of pixels. Points are
//! stratified along the joined length of all edges within the film; two rays beside the point find both radiances, and a hidden
//! edge contributes nothing because both see the same. With flat normals every edge between two planes is a jump of the shading.

use crate::derivative::{DerivativeOptions, Sink};
use crate::geometry::{Rgb, V3};
use crate::integrator::Path;
use crate::sampler::{Plane, Purpose};
use crate::scene::{Wanted, World, WorldEdge};
use crate::sensor::{Camera, FilmPoint};

/// Offset of the two rays from the edge, pixels.
const BESIDE: f64 = 1e-6;
/// Edges are cut at this distance in front of the camera, relative to their own extent.
const NEAR: f64 = 1e-9;

/// The image of an edge, as far as it lies on the film.
#[derive(Clone, Copy, Debug)]
struct Segment {
    ends: [u32; 2],
    mesh: u32,
    /// Image of the part in front of the camera, and the depths of its ends.
    image: [FilmPoint; 2],
    depth: [f64; 2],
    /// The same part as fractions of the edge.
    part: [f64; 2],
    /// The part of the image within the film.
    visible: [f64; 2],
    /// Length of all segments up to and with this one, pixels.
    length_to: f64,
}

/// All edges that may move on the film.
#[derive(Debug)]
pub(crate) struct PrimaryEdges<'a> {
    world: &'a World,
    segments: Vec<Segment>,
    seed: u64,
    /// Number of samples.
    pub(crate) count: u32,
}

/// One sample: what an edge point's motion does to a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrimaryEvent {
    pixel: usize,
    rgb: Rgb,
    ends: [u32; 2],
    mesh: u32,
    /// Position on the edge, from 0 at the first end to 1.
    s: f64,
    /// The edge point.
    q: V3,
    /// Its cotangent.
    bar: V3,
}

impl PrimaryEvent {
    pub(crate) fn deposit(&self, world: &World, wanted: &Wanted, sink: &mut impl Sink) {
        if wanted.moving[self.mesh as usize] {
            sink.vertex(self.pixel, self.rgb, self.ends[0], self.bar * (1.0 - self.s));
            sink.vertex(self.pixel, self.rgb, self.ends[1], self.bar * self.s);
        }
        if wanted.camera {
            let turn = self.bar.cross(self.q - world.camera.position);
            sink.camera(self.pixel, self.rgb, -self.bar, turn);
        }
    }
}

impl<'a> PrimaryEdges<'a> {
    pub(crate) fn new(world: &'a World, wanted: &Wanted, options: &DerivativeOptions) -> Self {
        let moves = |e: &&WorldEdge| wanted.camera || wanted.moving[e.mesh as usize];
        let mut segments = Vec::new();
        let mut length_to = 0.0;
        for edge in world.edges.iter().filter(moves) {
            if let Some(mut s) = segment(&world.camera, edge, &world.vertices) {
                length_to += s.length() * (s.visible[1] - s.visible[0]);
                s.length_to = length_to;
                segments.push(s);
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far below 2^32; the cast saturates"
        )]
        let count = (length_to * f64::from(options.edge_samples)).ceil() as u32;
        Self { world, segments, seed: options.seed, count }
    }

    /// Sample `j`; `None` where nothing jumps.
    pub(crate) fn sample(&self, j: u32) -> Option<PrimaryEvent> {
        let total = self.segments.last()?.length_to;
        let plane = |d| Plane::new(self.seed, Purpose::PrimaryEdge, j as usize, d);
        let along = total * (f64::from(j) + plane(0).point(0)[0]) / f64::from(self.count);
        let k = self.segments.partition_point(|s| s.length_to <= along);
        let segment = self.segments.get(k)?;
        let [film, n] = segment.at(along);
        let beside = |h: f64| [film[0] + h * n[0], film[1] + h * n[1]];
        let pixel = self.pixel(film)?;
        let u = plane(1).point(0);
        let hit = |film: FilmPoint| {
            let direction = self.world.camera.direction(film);
            let hit = self.world.bvh.closest(self.world.camera.position, direction, f64::INFINITY);
            hit.map(|hit| (direction, hit))
        };
        let (below, above) = (hit(beside(-BESIDE)), hit(beside(BESIDE)));
        if below.map(|h| h.1.face) == above.map(|h| h.1.face) {
            return None;
        }
        let radiance = |h: Option<(V3, _)>| {
            h.map_or(Rgb::BLACK, |(w, hit)| {
                Path::at_hit(self.world, w, hit, u).radiance(self.world)
            })
        };
        let jump = radiance(below) - radiance(above);
        let (s, q) = segment.edge_point(film, self.world);
        Some(PrimaryEvent {
            pixel,
            rgb: jump * (total / f64::from(self.count)),
            ends: segment.ends,
            mesh: segment.mesh,
            s,
            q,
            bar: self.world.camera.project_pullback(q, n),
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the coordinates are checked to lie on the film; the cast drops the fraction on purpose"
    )]
    fn pixel(&self, film: FilmPoint) -> Option<usize> {
        let (w, h) = (self.world.camera.width, self.world.camera.height);
        let inside = film[0] >= 0.0 && film[0] < w as f64 && film[1] >= 0.0 && film[1] < h as f64;
        inside.then(|| film[1] as usize * w + film[0] as usize)
    }
}

impl Segment {
    /// From the first to the second end of the image.
    fn along(&self) -> FilmPoint {
        let [a, b] = self.image;
        [b[0] - a[0], b[1] - a[1]]
    }

    fn length(&self) -> f64 {
        let [x, y] = self.along();
        x.hypot(y)
    }

    /// The film point at `along` the joined length, and the normal there.
    fn at(&self, along: f64) -> [FilmPoint; 2] {
        let (length, [x, y]) = (self.length(), self.along());
        let f = (self.visible[1] - (self.length_to - along) / length).max(self.visible[0]);
        [[self.image[0][0] + f * x, self.image[0][1] + f * y], [-y / length, x / length]]
    }

    /// Position on the edge of the point that is seen at `film`, and the point: depth is linear along the edge, its inverse
    /// along the image.
    fn edge_point(&self, film: FilmPoint, world: &World) -> (f64, V3) {
        let (a, [x, y]) = (self.image[0], self.along());
        let f = ((film[0] - a[0]) * x + (film[1] - a[1]) * y) / (x * x + y * y);
        let within = f * self.depth[0] / ((1.0 - f) * self.depth[1] + f * self.depth[0]);
        let s = self.part[0] + within * (self.part[1] - self.part[0]);
        let [p, q] = self.ends.map(|v| world.vertices[v as usize]);
        (s, p + (q - p) * s)
    }
}

/// The image of the part of an edge in front of the camera and on the film.
fn segment(camera: &Camera, edge: &WorldEdge, vertices: &[V3]) -> Option<Segment> {
    let [a, b] = edge.ends.map(|v| vertices[v as usize]);
    let z = [camera.depth(a), camera.depth(b)];
    let near = NEAR * (z[0].abs() + z[1].abs());
    let mut part = [0.0, 1.0];
    if !clip(&mut part, z[0] - near, z[1] - near) {
        return None;
    }
    let image = part.map(|s| camera.project(a + (b - a) * s));
    let depth = part.map(|s| z[0] + (z[1] - z[0]) * s);
    let mut visible = [0.0, 1.0];
    let size = [camera.width as f64, camera.height as f64];
    for k in 0..2 {
        let (p, q) = (image[0][k], image[1][k]);
        if !(clip(&mut visible, p, q) && clip(&mut visible, size[k] - p, size[k] - q)) {
            return None;
        }
    }
    let (ends, mesh) = (edge.ends, edge.mesh);
    let segment = Segment { ends, mesh, image, depth, part, visible, length_to: 0.0 };
    (segment.length() > 0.0).then_some(segment)
}

/// Cuts a range of fractions to where a linear function with values `a` at 0 and `b` at 1 is not negative; whether
/// anything is left.
#[inline]
pub(super) fn clip(range: &mut [f64; 2], a: f64, b: f64) -> bool {
    if a < 0.0 && b < 0.0 {
        return false;
    }
    if a < 0.0 {
        range[0] = range[0].max(a / (a - b));
    } else if b < 0.0 {
        range[1] = range[1].min(a / (a - b));
    }
    range[0] < range[1]
}

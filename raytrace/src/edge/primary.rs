//! Edges that the camera sees: silhouettes, borders and creases.
//!
//! Where an edge crosses the film the radiance jumps from `L_-` to `L_+` along the normal `n` of its image. When it moves,
//! `dI = integral of (L_- - L_+) n . dp dl`, `p` the image of a point of the edge, in units of pixels. Points are
//! stratified along the joined length of all edges within the film, each length counted by how much may jump there; two rays
//! beside the point find both radiances, and a hidden edge contributes nothing because both see the same. Points that follow each
//! other along an edge are looked at together, so that their rays are cast in bundles. With flat normals
//! every edge between two planes is a jump of the shading, about in proportion to the angle between them.
//!
//! An edge that planar mirrors show is sampled once more for each chain of them, as its image ([`super::mirror`]).
//!
//! The image of an edge is straight on the plane at distance 1, where it is cut and sampled, and bent on the film by the lens's
//! distortion `D`: with `v` the direction along the plane, `n dl` is the normal of `D' v`, as long as that is.

use std::ops::Range;

use super::mirror::{Mirrors, Sight};
use super::{clip, edge_pullback, moves};
use crate::accel::{Bundle, Coherence, Hit, RAYS, Segment as Ray};
use crate::geometry::{Rgb, V3, id, length};
use crate::integrator::{Black, Eye, Glance, Output, Random, Wave, camera_pullback};
use crate::options::DerivativeOptions;
use crate::sampler::{Draw, Purpose};
use crate::scene::{Edge, Wanted};
use crate::sensor::FilmPoint;
use crate::sink::Sink;

/// Offset of the two rays from the edge, pixels.
const BESIDE: f64 = 1e-6;
/// Points that are looked at together, from both sides.
#[expect(clippy::cast_possible_truncation, reason = "rays of a bundle are few")]
const POINTS: u32 = RAYS as u32 / 2;
/// Edges are cut at this distance in front of the camera, relative to how far their ends are from the pinhole.
const NEAR: f64 = 1e-9;
/// Weight of a crease per radian between its faces, and the least one: an estimate of the jump relative to a silhouette's.
const CREASE: f64 = 2.0;
const LEAST_CREASE: f64 = 0.01;
/// Factor of the weight of an edge that is most likely hidden.
const HIDDEN: f64 = 0.1;
/// The most rays along each side of the film that look for faces that are seen from behind.
const MOST_LOOKS: usize = 64;

/// The image of an edge on the plane at distance 1, as far as the film may see it.
#[derive(Clone, Copy, Debug)]
struct Segment {
    edge: u32,
    /// The chain of mirrors by way of which it is seen.
    chain: usize,
    /// Image of the part in front of the camera, and the depths of its ends.
    image: [[f64; 2]; 2],
    depth: [f64; 2],
    /// The same part as fractions of the edge.
    part: [f64; 2],
    /// The part of the image within the field of view.
    visible: [f64; 2],
    /// Length of the whole image times its weight, which is the share of samples per length, pixels of a film without distortion.
    weighted: f64,
    /// Weighted length of all segments up to and with this one, pixels.
    length_to: f64,
}

/// All edges that may move on the film.
#[derive(Debug)]
pub(crate) struct PrimaryEdges<'a> {
    eye: Eye<'a>,
    mirrors: &'a Mirrors,
    segments: Vec<Segment>,
    draw: Draw,
    /// Number of samples.
    pub(crate) count: u32,
}

/// One sample: what an edge point's motion does to a pixel.
#[derive(Clone, Debug)]
pub(crate) struct PrimaryEvent {
    pixel: usize,
    rgb: Rgb,
    edge: u32,
    /// Position on the edge, from 0 at the first end to 1.
    s: f64,
    /// The edge point, and where it is seen.
    q: V3,
    seen: V3,
    /// Faces of the mirrors that show it.
    mirrors: Vec<u32>,
    /// Cotangent of its image on the film.
    n: FilmPoint,
}

impl PrimaryEvent {
    pub(crate) fn deposit(&self, eye: Eye, wanted: &Wanted, sink: &mut impl Sink) {
        let (seen_bar, camera_bar) = eye.camera.project_pullback(self.seen, self.n);
        let (world, edge) = (eye.world, &eye.world.edges().all[self.edge as usize]);
        for (place, f) in sink.seeds(self.pixel).times(self.pixel, self.rgb) {
            let (mirrors, bar) = (&self.mirrors, seen_bar * f);
            let q_bar = Mirrors::pullback(world, wanted, mirrors, self.q, bar, place, sink);
            edge_pullback(world, wanted, edge, self.s, q_bar, place, sink);
            if wanted.camera {
                camera_pullback(eye, place, &(camera_bar * f), sink);
            }
        }
    }
}

impl<'a> PrimaryEdges<'a> {
    pub(crate) fn new(
        eye: Eye<'a>,
        wanted: &Wanted,
        mirrors: &'a Mirrors,
        options: &DerivativeOptions,
    ) -> Self {
        let (field, from_behind) = (eye.camera.field(), seen_from_behind(eye));
        let mut segments: Vec<Segment> = Vec::new();
        for chain in mirrors.chains(eye.bounces()) {
            let all = wanted.camera || mirrors.moves(chain);
            let from_behind = (chain == 0).then_some(from_behind.as_slice());
            for (k, edge) in eye.world.edges().all.iter().enumerate() {
                if !(all || moves(eye.world, wanted, edge)) {
                    continue;
                }
                let seen = edge.points.map(|q| mirrors.image(chain, q));
                let from = mirrors.onwards(chain, eye.camera.towards(seen[0]));
                let weight = weight(eye, edge, from, from_behind);
                if weight <= 0.0 {
                    continue;
                }
                let length_to = segments.last().map_or(0.0, |s| s.length_to);
                let number = (id(k), chain);
                segments.extend(Segment::new((eye, field), number, seen, (weight, length_to)));
            }
        }
        let length_to = segments.last().map_or(0.0, |s| s.length_to);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; the cast saturates"
        )]
        let count = (length_to * f64::from(options.edge_samples)).ceil() as u32;
        Self { eye, mirrors, segments, draw: options.draw(eye.index), count }
    }

    /// The samples of some numbers at which something jumps.
    pub(crate) fn samples(&self, numbers: Range<u32>, probe: &mut Probe) -> Vec<PrimaryEvent> {
        let mut events = Vec::new();
        let mut first = numbers.start;
        while first < numbers.end {
            let last = numbers.end.min(first + POINTS);
            let points: Vec<Point> = (first..last).filter_map(|j| self.point(j)).collect();
            self.look_at(&points, probe, &mut events);
            first = last;
        }
        events
    }

    /// Where sample `j` lies on the film.
    fn point(&self, j: u32) -> Option<Point> {
        let (eye, total) = (self.eye, self.segments.last()?.length_to);
        let random = Random::new(self.draw, Purpose::PrimaryEdge, j as usize, eye.bounces());
        let along = total * (f64::from(j) + random.point(0, 0)[0]) / f64::from(self.count);
        let k = self.segments.partition_point(|s| s.length_to <= along);
        let segment = *self.segments.get(k)?;
        let f = segment.fraction(along);
        let (p, v) = segment.image_point(f);
        let film = eye.camera.film_of(p);
        let pixel = eye.camera.pixel(film)?;
        // normal of the image, as long as the image is per fraction of the segment
        let [x, y] = eye.camera.film_motion(p, v);
        let n = [-y, x];
        let size = x.hypot(y);
        let beside = [-BESIDE, BESIDE].map(|h| [0, 1].map(|c| film[c] + h * n[c] / size));
        Some(Point { segment, random, f, pixel, n, beside })
    }

    /// Looks at both sides of points, and appends what jumps there.
    fn look_at(&self, points: &[Point], probe: &mut Probe, events: &mut Vec<PrimaryEvent>) {
        let (eye, Probe { bundle, wave, rays, hits }) = (self.eye, probe);
        rays.clear();
        for film in points.iter().flat_map(|p| p.beside) {
            let [origin, w] = eye.camera.ray(film);
            rays.push(Ray::ray(origin, w, u32::MAX));
        }
        bundle.closest(&eye.world.bvh, rays, Coherence::Close, hits);
        let seen: Vec<[(V3, Option<Hit>); 2]> = (0..points.len())
            .map(|k| [2 * k, 2 * k + 1].map(|side| (rays[side].direction, hits[side])))
            .collect();
        let mut jumps: Vec<(&Point, Vec<u32>)> = Vec::new();
        let mut glances: Vec<Glance> = Vec::new();
        for (point, seen) in points.iter().zip(&seen) {
            let sight =
                |side: usize| self.mirrors.sight(eye.world, point.segment.chain, seen[side]);
            if let (Some(Sight { mirrors, face }), Some(beside)) = (sight(0), sight(1))
                && face != beside.face
            {
                jumps.push((point, mirrors));
                let random = &point.random;
                glances.extend([0, 1].map(|side| Glance {
                    film: point.beside[side],
                    w: seen[side].0,
                    hit: seen[side].1,
                    random,
                }));
            }
        }
        let paths = wave.see(eye, &glances, Black::Skipped);
        for ((point, mirrors), paths) in jumps.into_iter().zip(paths.chunks_exact(2)) {
            let jump = eye.records(&paths[0]) - eye.records(&paths[1]);
            events.push(self.event(point, mirrors, jump));
        }
    }

    /// What the jump at a point does when its edge moves.
    fn event(&self, point: &Point, mirrors: Vec<u32>, jump: Rgb) -> PrimaryEvent {
        let Point { segment, f, pixel, n, .. } = point;
        let total = self.segments.last().map_or(0.0, |s| s.length_to);
        let per_fraction = total / (f64::from(self.count) * segment.weighted);
        let s = segment.edge_fraction(*f);
        let [a, b] = self.eye.world.edges().all[segment.edge as usize].points;
        let q = a + (b - a) * s;
        PrimaryEvent {
            pixel: *pixel,
            rgb: jump * per_fraction,
            edge: segment.edge,
            s,
            q,
            seen: self.mirrors.image(segment.chain, q),
            mirrors,
            n: *n,
        }
    }
}

/// A point of the film on the image of an edge.
struct Point {
    segment: Segment,
    random: Random,
    /// Fraction of the segment.
    f: f64,
    pixel: usize,
    /// Normal of the image, as long as the image is per fraction of the segment.
    n: FilmPoint,
    /// The points beside it.
    beside: [FilmPoint; 2],
}

/// What it takes to look at points of edges. It is used again and again, so that it does not allocate.
#[derive(Debug)]
pub(crate) struct Probe {
    bundle: Bundle,
    wave: Wave,
    rays: Vec<Ray>,
    hits: Vec<Option<Hit>>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        let (rays, hits) = (Vec::new(), Vec::new());
        Self { bundle: Bundle::default(), wave: Wave::new(), rays, hits }
    }
}

impl Segment {
    /// From the first to the second end of the image.
    fn along(&self) -> [f64; 2] {
        let [a, b] = self.image;
        [b[0] - a[0], b[1] - a[1]]
    }

    /// The fraction of the image at `along` the joined weighted length.
    fn fraction(&self, along: f64) -> f64 {
        (self.visible[1] - (self.length_to - along) / self.weighted).max(self.visible[0])
    }

    /// The point at a fraction of the image, and its velocity by the fraction.
    fn image_point(&self, f: f64) -> ([f64; 2], [f64; 2]) {
        let v = self.along();
        ([self.image[0][0] + f * v[0], self.image[0][1] + f * v[1]], v)
    }

    /// Position on the edge of the point at a fraction of the image: depth is linear along the edge, its inverse along the
    /// image.
    fn edge_fraction(&self, f: f64) -> f64 {
        let within = f * self.depth[0] / ((1.0 - f) * self.depth[1] + f * self.depth[0]);
        self.part[0] + within * (self.part[1] - self.part[0])
    }
}

/// How much may jump at an edge, as the camera sees it along `from`, relative to a silhouette; 0 where nothing can.
/// Where normals are shared across a bent edge, what the face's own normal hides still jumps there: see [`crate::material`].
/// An edge between faces that are turned away is most likely hidden by others of its mesh, where no face of that is seen `from_behind`.
fn weight(eye: Eye, edge: &Edge, from: V3, from_behind: Option<&[bool]>) -> f64 {
    let world = eye.world;
    if edge.cut.is_some() && matches!(eye.output, Output::Alpha | Output::Depth | Output::Position)
    {
        return 0.0; // faces that cut through each other meet there
    }
    let [a, b] = world.edges().sides(edge) else { return 1.0 };
    let [f, g] = [a, b].map(|s| &world.faces[s.face as usize]);
    let copies = world.edges().copies(edge);
    if f.mesh != g.mesh || (copies.len() > 1 && !world.surfaces[f.mesh as usize].is_plain()) {
        return 1.0;
    }
    let front = [f, g].map(|f| f.normal.dot(from) < 0.0);
    // both faces run counter-clockwise: seen from one side they are a surface that is bent, not one that ends
    let [p, q] = edge.points;
    let turns = |s: &crate::scene::EdgeSide, n: V3| {
        (q - p).cross(world.vertices[s.opposite as usize] - p).dot(n) > 0.0
    };
    let bent = front[0] == front[1] && turns(a, f.normal) != turns(b, g.normal);
    if !bent {
        return 1.0;
    }
    let surface = &world.surfaces[f.mesh as usize];
    let shown = match eye.output {
        Output::Radiance => eye.bounces() > 0 && !surface.is_dark(),
        Output::Normal => !edge.seamless,
        Output::Alpha | Output::Depth | Output::Position => return 0.0,
    };
    let jump = if f.uv.is_some() && !edge.seamless {
        1.0 // the texture may be another on either side
    } else if !shown {
        0.0
    } else if surface.material.is_specular() {
        1.0 // what it shows is another on either side
    } else {
        // by the chord of the angle between the normals, of which a face without area has none
        let share = CREASE * length(f.normal * f.inverse - g.normal * g.inverse);
        if share < 1.0 { share.max(LEAST_CREASE) } else { 1.0 }
    };
    let hidden = !front[0] && from_behind.is_some_and(|seen| !seen[f.mesh as usize]);
    if hidden { jump * HIDDEN } else { jump }
}

/// Of each mesh, whether the camera sees a face of it from behind, as far as rays through some points of the film tell: enough to choose
/// where samples go, and no claim.
fn seen_from_behind(eye: Eye) -> Vec<bool> {
    let (world, film) = (eye.world, [eye.camera.width, eye.camera.height]);
    let [columns, rows] = film.map(|size| size.min(MOST_LOOKS));
    let place = |k: usize, count: usize, size: usize| (k as f64 + 0.5) * size as f64 / count as f64;
    let mut rays = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        for column in 0..columns {
            let film = [place(column, columns, film[0]), place(row, rows, film[1])];
            let [origin, w] = eye.camera.ray(film);
            rays.push(Ray::ray(origin, w, u32::MAX));
        }
    }
    let mut hits = Vec::new();
    Bundle::default().closest(&world.bvh, &rays, Coherence::Close, &mut hits);
    let mut seen = vec![false; world.surfaces.len()];
    for (ray, hit) in rays.iter().zip(&hits) {
        if let Some(hit) = hit {
            let face = &world.faces[hit.face as usize];
            seen[face.mesh as usize] |= face.normal.dot(ray.direction) > 0.0;
        }
    }
    seen
}

impl Segment {
    /// The image of the part of an edge in front of the camera and within the field of view, for the places where its ends are seen; `None`
    /// where there is none. The weighted length of those before it is `before`.
    fn new(
        (eye, field): (Eye, [[f64; 2]; 2]),
        (edge, chain): (u32, usize),
        [a, b]: [V3; 2],
        (weight, before): (f64, f64),
    ) -> Option<Self> {
        let z = [eye.camera.depth(a), eye.camera.depth(b)];
        let far = length(a - eye.camera.position).max(length(b - eye.camera.position));
        let near = NEAR * far;
        let mut part = [0.0, 1.0];
        if eye.camera.parallel.is_none() && !clip(&mut part, z[0] - near, z[1] - near) {
            return None;
        }
        let image = part.map(|s| eye.camera.flat(a + (b - a) * s));
        let depth = part.map(|s| eye.camera.foreshortening(z[0] + (z[1] - z[0]) * s));
        let mut visible = [0.0, 1.0];
        for k in 0..2 {
            let (p, q) = (image[0][k], image[1][k]);
            let [least, most] = [field[0][k], field[1][k]];
            if !(clip(&mut visible, p - least, q - least) && clip(&mut visible, most - p, most - q))
            {
                return None;
            }
        }
        // an edge that points at the pinhole is a point, and an image of no finite size is none
        let [p, q] = image;
        let along = [q[0] - p[0], q[1] - p[1]];
        let weighted =
            (along[0] * along[0] + along[1] * along[1]).sqrt() * eye.camera.focal * weight;
        let length_to = before + weighted * (visible[1] - visible[0]);
        let exists = weighted > 0.0 && weighted.is_finite() && depth.iter().all(|z| *z > 0.0);
        exists.then_some(Self { edge, chain, image, depth, part, visible, weighted, length_to })
    }
}

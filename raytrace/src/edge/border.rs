//! Walks along paths and hands on, at each of their points, the derivative through what moves before it: borders of shadows on
//! light faces ([`super::shadow`]), edges before the sky and before what reflects light itself ([`super::sphere`]), and borders of lamps'
//! shadows ([`super::lamp`]).

use super::hierarchy::EdgeTree;
use super::lamp::LampBorders;
use super::mirror::Mirrors;
use super::moves;
use super::shadow::ShadowBorders;
use super::sphere::SphereEdges;
use crate::derivative::{DerivativeOptions, Seeds, Sink};
use crate::geometry::{Rgb, id};
use crate::integrator::{Black, Eye, Path, Random, Vertex, Wave, waves};
use crate::sampler::Purpose;
use crate::scene::{Wanted, World};

/// Planes of random numbers beyond those of paths: for the points that a vertex draws.
const BEYOND_PATHS: u64 = 1 << 32;

/// The edges of a world that may throw borders, found once for all of its pixels.
#[derive(Debug)]
pub(crate) struct EdgeTrees<'a> {
    /// Those that move, and the others.
    pub(super) moving: EdgeTree,
    pub(super) still: EdgeTree,
    /// Of each light face, the moving edges in which other faces cut through it.
    pub(super) cuts: Vec<Vec<u32>>,
    /// Those that throw borders of a lamp's light, where light of a lamp reaches a point by way of another one.
    lamps: Vec<LampBorders<'a>>,
}

impl<'a> EdgeTrees<'a> {
    pub(crate) fn new(eye: Eye<'a>, wanted: &'a Wanted, options: &DerivativeOptions) -> Self {
        let world = eye.world;
        let moving = |e: &u32| moves(world, wanted, &world.edges().all[*e as usize]);
        let (moving, still): (Vec<u32>, Vec<u32>) =
            (0..id(world.edges().all.len())).partition(moving);
        let tree = |edges: Vec<u32>| EdgeTree::new(world, edges.into_iter());
        let lamps = if eye.bounces() > 1 && options.terms.indirect {
            (0..world.scene.lamps.len()).map(|k| LampBorders::new(eye, wanted, k)).collect()
        } else {
            Vec::new()
        };
        Self { moving: tree(moving), still: tree(still), cuts: cuts(world, wanted), lamps }
    }
}

/// Of each light face, the moving edges in which other faces cut through it.
fn cuts(world: &World, wanted: &Wanted) -> Vec<Vec<u32>> {
    let mut cuts = vec![Vec::new(); world.lights.faces.len()];
    for (k, edge) in world.edges().all.iter().enumerate() {
        let Some(faces) = edge.cut else { continue };
        if moves(world, wanted, edge) {
            let cut = world.lights.faces.iter().zip(&mut cuts);
            cut.filter(|(l, _)| faces.contains(&l.face)).for_each(|(_, cuts)| cuts.push(id(k)));
        }
    }
    cuts
}

/// A point of a path that reflects light to a pixel.
pub(super) struct Seen<'a> {
    pub(super) path: &'a Path,
    /// Number of the sample whose path it is.
    pub(super) sample: u32,
    /// Number of the vertex.
    pub(super) k: usize,
    pub(super) pixel: usize,
    /// What the camera records of light that leaves it.
    pub(super) throughput: Rgb,
    pub(super) seeds: Seeds,
}

impl Seen<'_> {
    #[inline]
    pub(super) fn vertex(&self) -> &Vertex {
        &self.path.links[self.k].vertex
    }

    /// Whether the point may move.
    #[inline]
    pub(super) fn moves(&self, eye: Eye, wanted: &Wanted) -> bool {
        let mesh = |l: &crate::integrator::Link| wanted.moving[l.vertex.mesh(eye.world)];
        wanted.camera || self.path.links[..=self.k].iter().any(mesh)
    }
}

/// Samples what moves before the points of paths, pixel by pixel.
#[derive(Debug)]
pub(crate) struct Borders<'a> {
    wave: Wave,
    before: Before<'a>,
}

/// What may move before a point.
#[derive(Debug)]
struct Before<'a> {
    eye: Eye<'a>,
    options: &'a DerivativeOptions,
    shadows: ShadowBorders<'a>,
    sphere: SphereEdges<'a>,
    lamps: &'a [LampBorders<'a>],
}

impl<'a> Borders<'a> {
    pub(crate) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        (trees, mirrors): (&'a EdgeTrees<'a>, &'a Mirrors),
        options: &'a DerivativeOptions,
    ) -> Self {
        let before = Before {
            eye,
            options,
            shadows: ShadowBorders::new(eye, wanted, trees, options),
            sphere: SphereEdges::new(eye, wanted, (trees, mirrors), options),
            lamps: &trees.lamps,
        };
        Self { wave: Wave::new(), before }
    }

    /// Hands on the derivative of one pixel.
    pub(crate) fn pixel(&mut self, pixel: usize, sink: &mut impl Sink) {
        let Before { eye, options, .. } = self.before;
        let draw = options.draw(eye.index);
        let random = Random::new(draw, Purpose::ShadowEdge, pixel, eye.bounces());
        for samples in waves(options.shadow_spp) {
            let rays = (pixel, &random);
            let paths = if eye.bounces() > 1 {
                self.wave.trace(eye, rays, samples.clone(), Black::Skipped)
            } else {
                self.wave.look(eye, rays, samples.clone())
            };
            self.before.paths(paths, (pixel, &random), samples.start, sink);
        }
    }
}

impl Before<'_> {
    /// Hands on what moves before the points of paths.
    fn paths(
        &mut self,
        paths: &[Path],
        (pixel, random): (usize, &Random),
        first: u32,
        sink: &mut impl Sink,
    ) {
        let (eye, terms, seeds) = (self.eye, self.options.terms, sink.seeds(pixel));
        let mut points: Vec<Seen> = Vec::with_capacity(paths.len());
        for (sample, path) in (first..).zip(paths) {
            let mut throughput = eye.camera.gain;
            for (k, link) in path.links.iter().enumerate() {
                let surfel = link.vertex.surfel;
                if throughput.is_black() || surfel.material.is_dark(surfel.albedo) {
                    break;
                }
                if !surfel.material.is_specular() {
                    points.push(Seen { path, sample, k, pixel, throughput, seeds });
                }
                let Some(bounce) = link.bounce else { break };
                throughput = throughput * bounce.factor(&surfel);
            }
        }
        // what the camera sees first lies close together
        points.sort_by_key(|p| p.k);
        if terms.shadows {
            self.shadows.look_from(&points);
        }
        let plane = if eye.bounces() > 1 { BEYOND_PATHS } else { 1 };
        for (number, seen) in points.iter().enumerate() {
            let u = |d: u64| random.point(plane + 4 * seen.k as u64 + d, seen.sample);
            if terms.shadows {
                self.shadows.draw(number, seen, u(0)[0], sink);
            }
            if terms.indirect {
                self.sphere.at(seen, random, [u(1), u(2)], sink);
                for lamp in self.lamps {
                    lamp.at(seen, u(3), self.options, sink);
                }
            }
        }
    }
}

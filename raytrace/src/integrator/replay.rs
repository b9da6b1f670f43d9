//! The interior derivative: each path is traced again and its own derivative handed on, so memory does not grow with samples.
//!
//! The film point, barycentric coordinates on lights and the directions from vertex to vertex are held fixed, but for those that a
//! mirror gives; vertices slide along their rays, one after the other. Backwards along the path, the cotangent of the radiance `R_{k+1}` of the next vertex is that of
//! `R_k` times `response(d_k) k_k`, and the cotangent of its place is handed back along the ray. What holding these fixed leaves
//! out, moving discontinuities, is in [`crate::edge`].

use super::eye::{Eye, Output};
use super::light::sky_pullback;
use super::path::Path;
use super::vertex::VertexBar;
use crate::geometry::{Rgb, V3, length};
use crate::scene::{Wanted, World};
use crate::sensor::CameraBar;
use crate::sink::{Place, Sink};

/// What it takes to replay a path. It is used again and again, so that it does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Light that arrives by each connection, in the order of the vertices.
    arriving: Vec<Rgb>,
    /// What leaves each vertex by reflection.
    leaving: Vec<Rgb>,
    /// Cotangents of what leaves each vertex, and of what arrives from the sky after the last.
    seeds: Vec<Rgb>,
}

/// A path that is replayed for one seed, and where its derivative is handed to.
#[derive(Clone, Copy)]
struct Traced<'a> {
    eye: Eye<'a>,
    wanted: &'a Wanted,
    path: &'a Path,
    place: Place,
}

impl Replay {
    /// Hands on the derivative of `scale` times what the camera records of a path to `pixel`.
    pub(crate) fn path(
        &mut self,
        eye: Eye,
        wanted: &Wanted,
        path: &Path,
        (pixel, scale): (usize, f64),
        sink: &mut impl Sink,
    ) {
        let seeds = sink.seeds(pixel);
        let radiance =
            if eye.output == Output::Radiance { self.light(eye.world, path) } else { Rgb::BLACK };
        for (lane, seed) in seeds.iter().enumerate() {
            let (place, seed) = (Place { pixel, lane }, *seed * scale);
            if seed.is_black() {
                continue;
            }
            let traced = Traced { eye, wanted, path, place };
            if eye.output == Output::Radiance {
                sink.colour(place, eye.world.layout.gain(eye.index), radiance * seed);
                self.radiance(traced, seed * eye.camera.gain, sink);
            } else {
                traced.property(seed, sink);
            }
        }
    }

    /// Finds what arrives at each vertex and what leaves it; returns the radiance towards the camera.
    fn light(&mut self, world: &World, path: &Path) -> Rgb {
        let connections = path.links.iter().flat_map(|link| path.connections(link));
        self.arriving.clear();
        self.arriving.extend(connections.map(|c| c.arriving(world)));
        self.leaving.clear();
        self.leaving.resize(path.links.len(), Rgb::BLACK);
        let mut last = self.arriving.len();
        for (k, link) in path.links.iter().enumerate().rev() {
            let surfel = &link.vertex.surfel;
            let connections = path.connections(link);
            let first = last - connections.len();
            let mut sum = Rgb::BLACK;
            for (c, arriving) in connections.iter().zip(&self.arriving[first..last]) {
                sum += surfel.response(c.d) * *arriving;
            }
            if let Some(bounce) = link.bounce {
                sum += bounce.factor(surfel) * self.beyond(world, path, k);
            }
            (self.leaving[k], last) = (sum, first);
        }
        match path.links.first() {
            Some(first) => first.vertex.emitted(world) + self.leaving[0],
            None => path.radiance(world),
        }
    }

    /// What arrives along the bounce of link `k`.
    fn beyond(&self, world: &World, path: &Path, k: usize) -> Rgb {
        self.leaving.get(k + 1).copied().unwrap_or(Rgb::BLACK) + path.met(world, k)
    }

    /// Of the radiance; `seed` is the cotangent of what arrives at the camera.
    fn radiance(&mut self, traced: Traced, seed: Rgb, sink: &mut impl Sink) {
        let Traced { eye, wanted, path, place } = traced;
        let world = eye.world;
        if path.links.is_empty() {
            return traced.sky(seed, sink);
        }
        self.seeds.clear();
        self.seeds.push(seed);
        for link in &path.links {
            let factor = link.bounce.map_or(Rgb::BLACK, |b| b.factor(&link.vertex.surfel));
            self.seeds.push(self.seeds[self.seeds.len() - 1] * factor);
        }
        // cotangents of the place from which the next vertex is seen, and of the direction to it
        let mut next = [V3::zero(); 2];
        let mut last = self.arriving.len();
        for (k, link) in path.links.iter().enumerate().rev() {
            let (vertex, seed) = (&link.vertex, self.seeds[k]);
            let mut bar = VertexBar { x: next[0], ..VertexBar::ZERO };
            if link.emits {
                bar.emission = seed;
            }
            let connections = path.connections(link);
            let first = last - connections.len();
            for (c, arriving) in connections.iter().zip(&self.arriving[first..last]) {
                c.pullback(world, wanted, vertex, (seed, *arriving), &mut bar, place, sink);
            }
            last = first;
            if let Some(bounce) = link.bounce {
                if k + 1 == path.links.len() {
                    next[1] = sky_pullback(world, bounce.d, self.seeds[k + 1], place, sink);
                }
                let arriving = self.beyond(world, path, k);
                bar.add(&bounce.pullback(&vertex.surfel, seed * arriving, next[1]));
            }
            next = vertex.pullback(world, wanted, &bar, place, sink);
        }
        traced.ray(next, sink);
    }
}

impl Traced<'_> {
    /// Of a path that sees the sky alone.
    fn sky(self, seed: Rgb, sink: &mut impl Sink) {
        let Self { eye, wanted, path, place } = self;
        let size = length(path.w);
        let d = path.w * size.recip();
        let by_direction = sky_pullback(eye.world, d, seed, place, sink);
        if wanted.camera && eye.world.sky.is_some() {
            let w_bar = (by_direction - d * d.dot(by_direction)) * size.recip();
            let bar = eye.camera.ray_pullback(path.film, path.w, V3::zero(), w_bar);
            camera_pullback(eye, place, &bar, sink);
        }
    }

    /// Of another property than the radiance.
    fn property(self, seed: Rgb, sink: &mut impl Sink) {
        let Self { eye, wanted, path, place } = self;
        let Some(first) = path.links.first().filter(|_| wanted.geometry()) else { return };
        let vertex = &first.vertex;
        let mut bar = VertexBar::ZERO;
        match eye.output {
            Output::Radiance | Output::Alpha => return,
            Output::Position => bar.x = V3::from(seed.0),
            Output::Normal => bar.s = V3::from(seed.0),
            Output::Depth => {
                let [forward, ..] = eye.camera.frame;
                let depth_bar = seed.dot(Rgb::WHITE);
                bar.x = forward * depth_bar;
                if wanted.camera {
                    let layout = &eye.world.layout;
                    let from = vertex.x - eye.camera.position;
                    sink.vector(place, layout.pinhole(eye.index), -bar.x);
                    sink.vector(place, layout.spin(eye.index), bar.x.cross(from));
                }
            }
        }
        self.ray(vertex.pullback(eye.world, wanted, &bar, place, sink), sink);
    }

    /// Hands on the cotangents of origin and direction of the camera's ray.
    fn ray(self, [origin_bar, w_bar]: [V3; 2], sink: &mut impl Sink) {
        let Self { eye, wanted, path, place } = self;
        if wanted.camera {
            let bar = eye.camera.ray_pullback(path.film, path.w, origin_bar, w_bar);
            camera_pullback(eye, place, &bar, sink);
        }
    }
}

/// Hands on the cotangent of the place of vertex `k` of a path, to the faces of this and all vertices before it and to the camera.
pub(crate) fn chain_pullback(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    k: usize,
    x_bar: V3,
    place: Place,
    sink: &mut impl Sink,
) {
    let mut next = [x_bar, V3::zero()];
    for (j, link) in path.links[..=k].iter().enumerate().rev() {
        let mut bar = VertexBar { x: next[0], ..VertexBar::ZERO };
        let turned =
            link.bounce.filter(|_| j < k).and_then(|b| b.turned(&link.vertex.surfel, next[1]));
        if let Some(by) = turned {
            bar.add(&by);
        }
        next = link.vertex.pullback(eye.world, wanted, &bar, place, sink);
    }
    Traced { eye, wanted, path, place }.ray(next, sink);
}

/// Hands on the cotangents of a camera.
pub(crate) fn camera_pullback(eye: Eye, place: Place, bar: &CameraBar, sink: &mut impl Sink) {
    let (layout, camera) = (&eye.world.layout, eye.index);
    sink.vector(place, layout.pinhole(camera), bar.pinhole);
    sink.vector(place, layout.spin(camera), bar.spin);
    sink.vector(place, layout.lens(camera), bar.lens);
    sink.vector(place, layout.distortion(camera), bar.distortion);
}

#[cfg(test)]
mod tests {
    use cotangent_ad::{Dual, Real, Vec3};

    use super::Replay;
    use crate::emitter::LightPoint;
    use crate::geometry::{Rgb, V3};
    use crate::integrator::light::{Connection, Source};
    use crate::integrator::{Black, Eye, Glance, Path, Random, Vertex, Wave};
    use crate::reference::oblique;
    use crate::sampler::{Draw, Purpose};
    use crate::scene::{Wanted, World};
    use crate::sink::{Place, Seeds, Sink};

    /// Everything that is handed on for the red channel, as it is.
    #[derive(Default)]
    struct Recorder {
        points: Vec<(u32, V3)>,
        vectors: Vec<(u32, V3)>,
    }

    impl Recorder {
        fn vector(&self, slot: u32) -> V3 {
            self.vectors.iter().filter(|v| v.0 == slot).fold(V3::zero(), |s, v| s + v.1)
        }
    }

    impl Sink for Recorder {
        fn seeds(&self, _: usize) -> Seeds {
            Seeds::one(Rgb([1.0, 0.0, 0.0]))
        }
        fn point(&mut self, _: Place, vertex: u32, bar: V3) {
            self.points.push((vertex, bar));
        }
        fn normal(&mut self, _: Place, _: u32, _: V3) {}
        fn vector(&mut self, _: Place, slot: u32, bar: V3) {
            self.vectors.push((slot, bar));
        }
    }

    /// One path's radiance in the red channel, written once more over any scalar, from the definition: the ray meets the
    /// plane of its face, the light point has fixed barycentric coordinates.
    fn red<R: Real>(
        face: [Vec3<R>; 3],
        light: [Vec3<R>; 3],
        [o, w]: [Vec3<R>; 2],
        barycentric: [f64; 3],
        probability: f64,
        albedo: R,
        emission: R,
    ) -> R {
        let normal = (face[1] - face[0]).cross(face[2] - face[0]);
        let t = normal.dot(face[0] - o) / normal.dot(w);
        let x = o + w * t;
        let [a, b, c] = [0, 1, 2].map(|i| light[i] * R::lit(barycentric[i]));
        let d = a + b + c - x;
        let m = (light[1] - light[0]).cross(light[2] - light[0]);
        let area = m.norm_squared().sqrt() * 0.5;
        let r = d.norm_squared().sqrt();
        let cos = (normal.normalized().dot(d) / r).abs();
        let cos_light = (m.normalized().dot(d) / r).abs();
        let form = cos * cos_light * area / (r * r * probability);
        albedo * emission * form / std::f64::consts::PI
    }

    #[test]
    fn each_path_has_the_derivative_that_duals_give() {
        let world = World::new(&oblique());
        let moving = vec![true; world.surfaces.len()];
        let wanted = Wanted { moving, camera: true, normals: false, lamps: false };
        let eye = Eye::new(&world, 0.into());
        let draw = Draw { seed: 5, key: 0, camera: 0 };
        let mut checked = 0;
        let mut wave = Wave::new();
        for k in 0..64_u32 {
            let u = [f64::from(k % 8) / 8.0 + 0.03, f64::from(k / 8) / 8.0 + 0.05];
            let film = [u[1] * 32.0, u[0] * 24.0];
            let random = Random::new(draw, Purpose::Interior, k as usize, 1);
            let [origin, w] = eye.camera.ray(film);
            let hit = eye.world.bvh.closest(origin, w, f64::INFINITY);
            let path =
                &wave.see(eye, &[Glance { film, w, hit, random: &random }], Black::Skipped)[0];
            let Some(first) = path.links.first() else { continue };
            let Some(Connection { source: Source::Face(light), .. }) =
                path.connections(first).first()
            else {
                continue;
            };
            let mut found = Recorder::default();
            Replay::default().path(eye, &wanted, path, (0, 1.0), &mut found);
            compare(eye, path, &first.vertex, *light, &found);
            checked += 1;
        }
        assert!(checked > 30, "{checked} paths reach the light");
    }

    fn compare(
        eye: Eye,
        path: &Path,
        vertex: &Vertex,
        LightPoint { light, barycentric }: LightPoint,
        found: &Recorder,
    ) {
        type D = Dual<f64, 26>;
        let (world, p) = (eye.world, light.probability);
        let light = light.face;
        let mut lane = 0;
        let mut seed = |v: f64| {
            lane += 1;
            D::seed(v, lane - 1)
        };
        let mut seeded = |v: V3| Vec3(v.0.map(&mut seed));
        let face = world.corners(vertex.hit.face).map(&mut seeded);
        let light_corners = world.corners(light).map(&mut seeded);
        let o = seeded(world.cameras[0].position);
        // lanes 21..24: the direction turns, dw = omega x w
        let w = path.w;
        let mut direction = Vec3(w.0.map(D::konst));
        for k in 0..3 {
            let turned = V3::unit(k).cross(w);
            for c in 0..3 {
                direction.0[c].eps[21 + k] = turned[c];
            }
        }
        let albedo = D::seed(world.surface(vertex.hit.face).albedo.0[0], 24);
        let emission = D::seed(world.surface(light).emission.unwrap().0[0], 25);
        let y = red(face, light_corners, [o, direction], barycentric, p, albedo, emission);
        let value = path.radiance(world).0[0] - vertex.emitted(world).0[0];
        assert!((y.re - value).abs() < 1e-12 * value);
        let scale = y.eps.iter().fold(0.0_f64, |s, e| s.max(e.abs()));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-11 * scale, "{a} {b}");
        for (corners, first) in [
            (world.faces[vertex.hit.face as usize].corners, 0),
            (world.faces[light as usize].corners, 9),
        ] {
            for i in 0..3 {
                let of_corner = found.points.iter().filter(|v| v.0 == corners[i]);
                let sum = of_corner.fold(V3::zero(), |s, v| s + v.1);
                for k in 0..3 {
                    close(sum[k], y.eps[first + 3 * i + k]);
                }
            }
        }
        let layout = &world.layout;
        let (position, rotation) = (found.vector(layout.pinhole(0)), found.vector(layout.spin(0)));
        for k in 0..3 {
            close(position[k], y.eps[18 + k]);
            close(rotation[k], y.eps[21 + k]);
        }
        let mesh = |f: u32| world.faces[f as usize].mesh as usize;
        let red = |slot: u32| found.vector(slot)[0];
        close(red(layout.albedo(mesh(vertex.hit.face))), y.eps[24]);
        close(red(layout.radiance(mesh(light))), y.eps[25]);
    }
}

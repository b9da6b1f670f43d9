//! The interior derivative: each path is traced again and its own derivative handed on, so memory does not grow with samples.
//!
//! The film point and the light point's barycentric coordinates are held fixed: the shading point slides along its ray when the
//! face moves, `dx = w (n . sum b_i dv_i) / (n . w) + (1 - w n^T / (n . w)) (do + t dw)` for the ray `o + t w`, and the light
//! point moves with its face. What this leaves out, moving discontinuities, is in [`crate::edge`].

use std::f64::consts::FRAC_1_PI;

use super::direct::{Connection, Eye, Path};
use crate::derivative::Sink;
use crate::geometry::{Rgb, V3, length};
use crate::scene::Wanted;
use crate::sensor::CameraBar;

/// Hands on the derivative of `scale` times the radiance of `path`, as the camera records it, to `pixel`.
pub(crate) fn replay(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    pixel: usize,
    scale: f64,
    sink: &mut impl Sink,
) {
    let gain = eye.camera.gain * scale;
    sink.colour(pixel, path.radiance(eye.world) * scale, eye.world.layout.gain(eye.index));
    if path.front {
        let mesh = eye.world.faces[path.hit.face as usize].mesh as usize;
        emitted(eye, wanted, path, mesh, pixel, gain, sink);
    }
    if let Some(c) = &path.connection {
        reflected_colours(eye, wanted, path, c, pixel, gain, sink);
        reflected_geometry(eye, wanted, path, c, pixel, gain, sink);
    }
}

/// Of what the face itself emits.
fn emitted(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    mesh: usize,
    pixel: usize,
    gain: Rgb,
    sink: &mut impl Sink,
) {
    let (surface, face) = (&eye.world.surfaces[mesh], &eye.world.faces[path.hit.face as usize]);
    let Some(emission) = surface.emission else { return };
    let b = path.hit.barycentric();
    sink.colour(pixel, surface.tint(face, b) * gain, eye.world.layout.radiance(mesh));
    if surface.tints(face).is_some() {
        for i in 0..3 {
            let tint = eye.world.layout.tint(face.corners[i]);
            sink.colour(pixel, emission * gain * b[i], tint);
        }
        tint_pullback(eye, wanted, path, pixel, emission * gain, sink);
    }
}

/// Of what the face reflects, by the colours of both ends.
fn reflected_colours(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    c: &Connection,
    pixel: usize,
    gain: Rgb,
    sink: &mut impl Sink,
) {
    let (world, layout) = (eye.world, &eye.world.layout);
    let light = c.light.light.face;
    let form = gain * (FRAC_1_PI * c.form);
    let of = |f: u32| {
        let face = &world.faces[f as usize];
        (face, face.mesh as usize, &world.surfaces[face.mesh as usize])
    };
    let ((face, mesh, surface), (light_face, light_mesh, source)) = (of(path.hit.face), of(light));
    let b = path.hit.barycentric();
    let (tint, light_tint) = (surface.tint(face, b), source.tint(light_face, c.light.barycentric));
    let emission = source.emission.unwrap_or(Rgb::BLACK);
    let (arriving, leaving) = (emission * light_tint * form, surface.albedo * tint * form);
    sink.colour(pixel, tint * arriving, layout.albedo(mesh));
    sink.colour(pixel, leaving * light_tint, layout.radiance(light_mesh));
    if surface.tints(face).is_some() {
        for i in 0..3 {
            let slot = layout.tint(face.corners[i]);
            sink.colour(pixel, surface.albedo * arriving * b[i], slot);
        }
        tint_pullback(eye, wanted, path, pixel, surface.albedo * arriving, sink);
    }
    if source.tints(light_face).is_some() {
        for i in 0..3 {
            let slot = layout.tint(light_face.corners[i]);
            sink.colour(pixel, leaving * emission * c.light.barycentric[i], slot);
        }
    }
}

/// Of what the face reflects, by the points of both ends and by the ray.
fn reflected_geometry(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    c: &Connection,
    pixel: usize,
    gain: Rgb,
    sink: &mut impl Sink,
) {
    let world = eye.world;
    let mesh = world.faces[path.hit.face as usize].mesh as usize;
    let light_face = &world.faces[c.light.light.face as usize];
    let light = light_face.mesh as usize;
    if !(wanted.moving[mesh] || wanted.moving[light] || wanted.camera) {
        return;
    }
    let emission = world.emission(c.light.light.face, c.light.barycentric);
    let rgb = path.albedo(world) * emission * gain * FRAC_1_PI;
    // form = -(n.d) (m.d) k / r^4
    let (n, m, d) = (path.n, light_face.normal, c.d);
    let r2 = d.norm_squared();
    let k = 1.0 / (2.0 * c.light.light.probability * r2 * r2);
    let (nd, md) = (n.dot(d), m.dot(d));
    let d_bar = (n * md + m * nd) * -k + d * (4.0 * nd * md * k / r2);
    if wanted.moving[light] {
        let b = c.light.barycentric;
        let by_normal = normal_pullback(world.corners(c.light.light.face), d * (-nd * k));
        for i in 0..3 {
            sink.point(pixel, rgb, light_face.corners[i], d_bar * b[i] + by_normal[i]);
        }
    }
    if wanted.moving[mesh] {
        let normal = world.faces[path.hit.face as usize].normal;
        let n_bar = d * (-md * k);
        let side = if path.front { 1.0 } else { -1.0 };
        let cross_bar = (n_bar - n * n.dot(n_bar)) * (side / length(normal));
        let by_normal = normal_pullback(world.corners(path.hit.face), cross_bar);
        for i in 0..3 {
            sink.point(pixel, rgb, world.faces[path.hit.face as usize].corners[i], by_normal[i]);
        }
    }
    point_pullback(eye, wanted, path, -d_bar, pixel, rgb, sink);
}

/// Corner cotangents of a face for the cotangent of `(b - a) x (c - a)`.
fn normal_pullback([a, b, c]: [V3; 3], bar: V3) -> [V3; 3] {
    let (by_b, by_c) = ((c - a).cross(bar), bar.cross(b - a));
    [-(by_b + by_c), by_b, by_c]
}

/// Hands on the cotangent of the shading point to its face and to the camera.
pub(crate) fn point_pullback(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    x_bar: V3,
    pixel: usize,
    rgb: Rgb,
    sink: &mut impl Sink,
) {
    let face = &eye.world.faces[path.hit.face as usize];
    let along = path.n * (path.direction.dot(x_bar) / path.n.dot(path.direction));
    if wanted.moving[face.mesh as usize] {
        let b = path.hit.barycentric();
        for i in 0..3 {
            sink.point(pixel, rgb, face.corners[i], along * b[i]);
        }
    }
    if wanted.camera {
        let ray_bar = x_bar - along;
        let w_bar = ray_bar * path.hit.t;
        let bar = eye.camera.ray_pullback(path.film, path.direction, ray_bar, w_bar);
        camera_pullback(eye, pixel, rgb, &bar, sink);
    }
}

/// Hands on what `factor` times the tint of the shading point changes because that point moves over its face: its barycentric
/// coordinates follow `dx - sum b_i dv_i` with the gradients `N x (side opposite i) / |N|^2`.
fn tint_pullback(
    eye: Eye,
    wanted: &Wanted,
    path: &Path,
    pixel: usize,
    factor: Rgb,
    sink: &mut impl Sink,
) {
    let face = &eye.world.faces[path.hit.face as usize];
    let Some(tints) = eye.world.surface(path.hit.face).tints(face) else { return };
    if !(wanted.moving[face.mesh as usize] || wanted.camera) {
        return;
    }
    let [p, q, r] = eye.world.corners(path.hit.face);
    let n = face.normal * face.normal.norm_squared().recip();
    let gradients = [r - q, p - r, q - p].map(|side| n.cross(side));
    let b = path.hit.barycentric();
    for channel in 0..3 {
        let slope = (0..3).fold(V3::zero(), |sum, i| sum + gradients[i] * tints[i].0[channel]);
        let mut rgb = Rgb::BLACK;
        rgb.0[channel] = factor.0[channel];
        if wanted.moving[face.mesh as usize] {
            for i in 0..3 {
                sink.point(pixel, rgb, face.corners[i], slope * -b[i]);
            }
        }
        point_pullback(eye, wanted, path, slope, pixel, rgb, sink);
    }
}

/// Hands on the cotangents of a camera.
pub(crate) fn camera_pullback(
    eye: Eye,
    pixel: usize,
    rgb: Rgb,
    bar: &CameraBar,
    sink: &mut impl Sink,
) {
    let (layout, camera) = (&eye.world.layout, eye.index);
    sink.vector(pixel, rgb, layout.pinhole(camera), bar.pinhole);
    sink.vector(pixel, rgb, layout.spin(camera), bar.spin);
    sink.vector(pixel, rgb, layout.lens(camera), bar.lens);
    sink.vector(pixel, rgb, layout.distortion(camera), bar.distortion);
}

#[cfg(test)]
mod tests {
    use cotangent_ad::{Dual, Real, Vec3};

    use super::replay;
    use crate::derivative::Sink;
    use crate::geometry::{Rgb, V3};
    use crate::integrator::{Black, Eye, Path};
    use crate::reference::oblique;
    use crate::scene::{Wanted, World};

    /// Everything that is handed on, as it is.
    #[derive(Default)]
    struct Recorder {
        points: Vec<(u32, V3)>,
        vectors: Vec<(u32, V3)>,
        colours: Vec<(u32, Rgb)>,
    }

    impl Recorder {
        fn vector(&self, slot: u32) -> V3 {
            self.vectors.iter().filter(|v| v.0 == slot).fold(V3::zero(), |s, v| s + v.1)
        }
        fn red(&self, slot: u32) -> f64 {
            self.colours.iter().filter(|c| c.0 == slot).map(|c| c.1.0[0]).sum()
        }
    }

    impl Sink for Recorder {
        fn point(&mut self, _: usize, rgb: Rgb, vertex: u32, bar: V3) {
            self.points.push((vertex, bar * rgb.0[0]));
        }
        fn vector(&mut self, _: usize, rgb: Rgb, slot: u32, bar: V3) {
            self.vectors.push((slot, bar * rgb.0[0]));
        }
        fn colour(&mut self, _: usize, rgb: Rgb, slot: u32) {
            self.colours.push((slot, rgb));
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
        let wanted = Wanted { moving: vec![true; world.surfaces.len()], camera: true };
        let mut checked = 0;
        for k in 0..64_u32 {
            let u = [f64::from(k % 8) / 8.0 + 0.03, f64::from(k / 8) / 8.0 + 0.05];
            let film = [u[1] * 32.0, u[0] * 24.0];
            let eye = Eye::new(&world, 0);
            let Some(path) = Path::trace(eye, film, u, Black::Skipped) else { continue };
            let Some(c) = &path.connection else { continue };
            let mut found = Recorder::default();
            replay(eye, &wanted, &path, 0, 1.0, &mut found);
            compare(&world, &path, c.light.light.face, c.light.barycentric, &found);
            checked += 1;
        }
        assert!(checked > 30, "{checked} paths reach the light");
    }

    fn compare(world: &World, path: &Path, light: u32, barycentric: [f64; 3], found: &Recorder) {
        type D = Dual<f64, 26>;
        let mut lane = 0;
        let mut seed = |v: f64| {
            lane += 1;
            D::seed(v, lane - 1)
        };
        let mut seeded = |v: V3| Vec3(v.0.map(&mut seed));
        let face = world.corners(path.hit.face).map(&mut seeded);
        let light_corners = world.corners(light).map(&mut seeded);
        let o = seeded(world.cameras[0].position);
        // lanes 21..24: the direction turns, dw = omega x w
        let w = path.direction;
        let mut direction = Vec3(w.0.map(D::konst));
        for k in 0..3 {
            let turned = V3::unit(k).cross(w);
            for c in 0..3 {
                direction.0[c].eps[21 + k] = turned[c];
            }
        }
        let albedo = D::seed(world.surface(path.hit.face).albedo.0[0], 24);
        let emission = D::seed(world.surface(light).emission.unwrap().0[0], 25);
        let p = path.connection.unwrap().light.light.probability;
        let y = red(face, light_corners, [o, direction], barycentric, p, albedo, emission);
        let value = path.radiance(world).0[0] - path.emitted(world).0[0];
        assert!((y.re - value).abs() < 1e-12 * value);
        let scale = y.eps.iter().fold(0.0_f64, |s, e| s.max(e.abs()));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-11 * scale, "{a} {b}");
        for (corners, first) in [
            (world.faces[path.hit.face as usize].corners, 0),
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
        close(found.red(layout.albedo(mesh(path.hit.face))), y.eps[24]);
        close(found.red(layout.radiance(mesh(light))), y.eps[25]);
    }
}

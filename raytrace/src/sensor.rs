//! The pinhole camera and the orthographic one, both with radial distortion.
//!
//! `f` points to the target, `r` to the right, `u` up. The direction `f + x r + y u` is seen at the point
//! `(c_x + F d_x, c_y - F d_y)` of the film, in pixels from the top left corner, with `d = (x, y) (1 + k_1 s + k_2 s^2)`,
//! `s = x^2 + y^2`: `F` is the focal length in pixels, `c` the principal point, `k` the distortion (Brown 1971, radial terms).
//!
//! An orthographic camera sees along `f` everywhere, and `(x, y)` is where its ray meets the plane through its position, in scene units:
//! `F` is then in pixels for a scene unit. It sees all along its rays, also what lies behind that plane, at a negative depth.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use serde::{Deserialize, Serialize};

use crate::geometry::{Rgb, V3, length, unit};

/// Where the camera stands and looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraView {
    /// The pinhole.
    pub position: [f64; 3],
    /// A point that is seen at the principal point: in the middle of the image where nothing else is said.
    pub target: [f64; 3],
    /// Up in the image.
    pub up: [f64; 3],
    /// Full horizontal angle, degrees, of a film whose principal point is its middle, without distortion.
    pub fov_deg: f64,
}

impl CameraView {
    /// Unit vectors to the target, to the right and up; `None` where they span no frame.
    pub(crate) fn frame(&self) -> Option<[V3; 3]> {
        let to = V3::from(self.target) - V3::from(self.position);
        let side = to.cross(V3::from(self.up));
        let spans = length(side) > 1e-9 * length(to) * length(V3::from(self.up));
        (spans && length(to).is_finite()).then(|| {
            let (forward, right) = (unit(to), unit(side));
            [forward, right, right.cross(forward)]
        })
    }

    /// Focal length in pixels of a film of this width; `None` where the angle is not in `(0, 180)` degrees.
    pub(crate) fn focal(&self, width: usize) -> Option<f64> {
        let open = self.fov_deg > 0.0 && self.fov_deg < 180.0;
        open.then(|| 0.5 * width as f64 / (0.5 * self.fov_deg.to_radians()).tan())
    }
}

/// A camera at one point of its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Camera {
    pub(crate) position: V3,
    /// To the target, to the right, up.
    pub(crate) frame: [V3; 3],
    /// Pixels.
    pub(crate) focal: f64,
    pub(crate) centre: [f64; 2],
    pub(crate) distortion: [f64; 2],
    /// Factor of each channel of the image.
    pub(crate) gain: Rgb,
    /// Of an orthographic camera: how far behind its plane rays start, which is behind everything.
    pub(crate) parallel: Option<f64>,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// A point on the film: `(column, row)` in pixels.
pub(crate) type FilmPoint = [f64; 2];

/// Cotangents of a camera's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CameraBar {
    /// Of the pinhole.
    pub(crate) pinhole: V3,
    /// Of the angular velocity of the frame.
    pub(crate) spin: V3,
    /// Of focal length and principal point.
    pub(crate) lens: V3,
    /// Of the two coefficients of distortion.
    pub(crate) distortion: V3,
}

impl std::ops::Mul<f64> for CameraBar {
    type Output = Self;
    fn mul(self, f: f64) -> Self {
        Self {
            pinhole: self.pinhole * f,
            spin: self.spin * f,
            lens: self.lens * f,
            distortion: self.distortion * f,
        }
    }
}

impl Camera {
    /// Factor of the distortion at the squared radius `s`, and its derivative by `s`.
    #[inline]
    fn radial(&self, s: f64) -> [f64; 2] {
        let [a, b] = self.distortion;
        [1.0 + s * (a + s * b), a + 2.0 * b * s]
    }

    fn is_straight(&self) -> bool {
        self.distortion.iter().all(|k| k.abs() <= 0.0)
    }

    /// Coordinates on the plane at distance 1, of the film's point, before the distortion is undone.
    #[inline]
    fn distorted(&self, film: FilmPoint) -> [f64; 2] {
        [(film[0] - self.centre[0]) / self.focal, (self.centre[1] - film[1]) / self.focal]
    }

    /// Coordinates of the direction that is seen at `film`: the radius solves `r (1 + k_1 r^2 + k_2 r^4) = |d|` by Newton's
    /// method, which converges because the left side is monotonic where the film is ([`Self::folds`]).
    #[inline(always)]
    fn on_plane(&self, film: FilmPoint) -> [f64; 2] {
        let d = self.distorted(film);
        if self.is_straight() {
            return d;
        }
        self.undistorted(d)
    }

    fn undistorted(&self, d: [f64; 2]) -> [f64; 2] {
        let radius = d[0].hypot(d[1]);
        let mut r = radius;
        for _ in 0..64 {
            let [factor, slope] = self.radial(r * r);
            let step = (r * factor - radius) / (factor + 2.0 * r * r * slope);
            // a step that would overshoot zero is halved
            r = if r > step { r - step } else { 0.5 * r };
            if step.abs() <= 1e-15 * radius {
                break;
            }
        }
        let shrink = if radius > 0.0 { r / radius } else { 1.0 };
        d.map(|d| d * shrink)
    }

    /// Whether the distortion folds the plane back onto the film, so that a point of the film sees no single direction.
    pub(crate) fn folds(&self) -> bool {
        let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        let far = corners
            .map(|[x, y]| self.distorted([x * self.width as f64, y * self.height as f64]))
            .into_iter()
            .fold(0.0_f64, |m, d| m.max(d[0].hypot(d[1])));
        // d(r factor)/dr = 1 + 3 k_1 s + 5 k_2 s^2 vanishes first at
        let (a, b) = (5.0 * self.distortion[1], 3.0 * self.distortion[0]);
        let root = (b * b - 4.0 * a).sqrt();
        let first = [2.0 / (-b + root), 2.0 / (-b - root)]
            .into_iter()
            .filter(|s| *s > 0.0)
            .fold(f64::INFINITY, f64::min);
        first.is_finite() && first.sqrt() * self.radial(first)[0] <= 1.001 * far
    }

    /// Where the ray seen at `film` starts, and its direction, whose component along the view is 1.
    #[inline(always)]
    pub(crate) fn ray(&self, film: FilmPoint) -> [V3; 2] {
        let [x, y] = self.on_plane(film);
        let [forward, right, up] = self.frame;
        let across = right * x + up * y;
        match self.parallel {
            None => [self.position, forward + across],
            Some(back) => [self.position + across - forward * back, forward],
        }
    }

    /// The direction in which the camera sees `q`, not normalised.
    #[inline]
    pub(crate) fn towards(&self, q: V3) -> V3 {
        if self.parallel.is_some() { self.frame[0] } else { q - self.position }
    }

    /// The start of the ray that sees `q`, its direction, and how often that leads to `q`; the depth is positive.
    #[inline]
    pub(crate) fn ray_to(&self, q: V3) -> (V3, V3, f64) {
        let depth = self.depth(q);
        match self.parallel {
            None => (self.position, (q - self.position) * depth.recip(), depth),
            Some(back) => (q - self.frame[0] * (depth + back), self.frame[0], depth + back),
        }
    }

    /// What lengths at the depth `z` are divided by on the plane.
    #[inline]
    pub(crate) fn foreshortening(&self, z: f64) -> f64 {
        if self.parallel.is_some() { 1.0 } else { z }
    }

    /// Cotangents of the camera for the cotangents of start and direction `w` of the ray that is seen at `film`.
    pub(crate) fn ray_pullback(&self, film: FilmPoint, w: V3, origin: V3, w_bar: V3) -> CameraBar {
        let [_, right, up] = self.frame;
        let p = self.on_plane(film);
        let (across, from) = match self.parallel {
            None => (w_bar, V3::zero()),
            Some(_) => (origin, self.ray(film)[0] - self.position),
        };
        // p solves D(p) = d(film): dp = D'^-1 (dd - dD), D' symmetric
        let a = self.solve(p, [across.dot(right), across.dot(up)]);
        let d = self.distorted(film);
        let (f, s) = (self.focal.recip(), p[0] * p[0] + p[1] * p[1]);
        let radial = a[0] * p[0] + a[1] * p[1];
        CameraBar {
            pinhole: origin,
            spin: w.cross(w_bar) + from.cross(origin),
            lens: V3::from([-(a[0] * d[0] + a[1] * d[1]) * f, -a[0] * f, a[1] * f]),
            distortion: V3::from([-radial * s, -radial * s * s, 0.0]),
        }
    }

    /// `D' = factor + 2 slope p p^T` times `v`, for `D(p) = p factor(|p|^2)`.
    #[inline]
    fn stretch(&self, p: [f64; 2], v: [f64; 2]) -> [f64; 2] {
        let [factor, slope] = self.radial(p[0] * p[0] + p[1] * p[1]);
        let along = 2.0 * slope * (p[0] * v[0] + p[1] * v[1]);
        [factor * v[0] + along * p[0], factor * v[1] + along * p[1]]
    }

    /// `D'^-1 v` (Sherman & Morrison).
    #[inline]
    fn solve(&self, p: [f64; 2], v: [f64; 2]) -> [f64; 2] {
        let s = p[0] * p[0] + p[1] * p[1];
        let [factor, slope] = self.radial(s);
        let along =
            2.0 * slope * (p[0] * v[0] + p[1] * v[1]) / (factor * (factor + 2.0 * slope * s));
        [v[0] / factor - along * p[0], v[1] / factor - along * p[1]]
    }

    /// Number of the pixel at a point, where it is on the film.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the coordinates are checked to lie on the film; the cast drops the fraction on purpose"
    )]
    pub(crate) fn pixel(&self, film: FilmPoint) -> Option<usize> {
        let (w, h) = (self.width, self.height);
        let inside = film[0] >= 0.0 && film[0] < w as f64 && film[1] >= 0.0 && film[1] < h as f64;
        inside.then(|| film[1] as usize * w + film[0] as usize)
    }

    /// Distance of `q` from the camera along the view.
    #[inline]
    pub(crate) fn depth(&self, q: V3) -> f64 {
        (q - self.position).dot(self.frame[0])
    }

    /// Coordinates of `q` on the plane at distance 1 of a pinhole, which must be before `q`, or on that of an orthographic camera.
    #[inline]
    pub(crate) fn flat(&self, q: V3) -> [f64; 2] {
        let c = q - self.position;
        let inverse = self.foreshortening(c.dot(self.frame[0])).recip();
        [c.dot(self.frame[1]) * inverse, c.dot(self.frame[2]) * inverse]
    }

    /// How the film point that sees `q` moves when `q` moves by `v`.
    pub(crate) fn motion_of(&self, q: V3, v: V3) -> FilmPoint {
        let [forward, right, up] = self.frame;
        let (p, z) = (self.flat(q), self.depth(q));
        let along = if self.parallel.is_some() { 0.0 } else { v.dot(forward) };
        let shrink = self.foreshortening(z).recip();
        let on_plane = [right, up].map(|axis| v.dot(axis) * shrink);
        let away = along * shrink;
        self.film_motion(p, [on_plane[0] - p[0] * away, on_plane[1] - p[1] * away])
    }

    /// The film point that sees the plane's point `p`.
    #[inline]
    pub(crate) fn film_of(&self, p: [f64; 2]) -> FilmPoint {
        let [factor, _] = self.radial(p[0] * p[0] + p[1] * p[1]);
        [self.centre[0] + self.focal * factor * p[0], self.centre[1] - self.focal * factor * p[1]]
    }

    /// How the film point moves when the plane's point `p` moves by `v`.
    #[inline]
    pub(crate) fn film_motion(&self, p: [f64; 2], v: [f64; 2]) -> FilmPoint {
        let [x, y] = self.stretch(p, v);
        [self.focal * x, -self.focal * y]
    }

    /// Cotangents of `q`, and of the camera, for the cotangent `n` of the film point that sees `q`.
    #[inline]
    pub(crate) fn project_pullback(&self, q: V3, n: FilmPoint) -> (V3, CameraBar) {
        let c = q - self.position;
        let [forward, right, up] = self.frame;
        let (p, z) = (self.flat(q), self.foreshortening(c.dot(forward)));
        let d_bar = [self.focal * n[0], -self.focal * n[1]];
        let p_bar = self.stretch(p, d_bar);
        let along = match self.parallel {
            None => p_bar[0] * p[0] + p_bar[1] * p[1],
            Some(_) => 0.0,
        };
        let q_bar = (right * p_bar[0] + up * p_bar[1] - forward * along) * z.recip();
        let s = p[0] * p[0] + p[1] * p[1];
        let factor = self.radial(s)[0];
        let radial = d_bar[0] * p[0] + d_bar[1] * p[1];
        let by_focal = factor * (n[0] * p[0] - n[1] * p[1]);
        let camera = CameraBar {
            pinhole: -q_bar,
            spin: q_bar.cross(c),
            lens: V3::from([by_focal, n[0], n[1]]),
            distortion: V3::from([radial * s, radial * s * s, 0.0]),
        };
        (q_bar, camera)
    }

    /// Least and greatest coordinates on the plane of what the film sees, with something to spare.
    pub(crate) fn field(&self) -> [[f64; 2]; 2] {
        const STEPS: usize = 16;
        let (w, h) = (self.width as f64, self.height as f64);
        let mut range = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
        for k in 0..=STEPS {
            let part = k as f64 / STEPS as f64;
            for film in [[part * w, 0.0], [part * w, h], [0.0, part * h], [w, part * h]] {
                let p = self.on_plane(film);
                for c in 0..2 {
                    range[0][c] = range[0][c].min(p[c]);
                    range[1][c] = range[1][c].max(p[c]);
                }
            }
        }
        if !self.is_straight() {
            // a bowed border reaches beyond the points that were looked at
            for c in 0..2 {
                let margin = 0.05 * (range[1][c] - range[0][c]);
                range[0][c] -= margin;
                range[1][c] += margin;
            }
        }
        range
    }
}

#[cfg(test)]
mod tests {
    use super::{Camera, CameraBar, CameraView};
    use crate::geometry::{Rgb, V3};

    const VIEW: CameraView = CameraView {
        position: [1.0, 2.0, 4.0],
        target: [0.3, 0.1, 0.0],
        up: [0.1, 1.0, 0.0],
        fov_deg: 50.0,
    };

    fn camera() -> Camera {
        Camera {
            position: V3::from(VIEW.position),
            frame: VIEW.frame().unwrap(),
            focal: VIEW.focal(64).unwrap(),
            centre: [30.5, 25.2],
            distortion: [-0.15, 0.04],
            gain: Rgb::WHITE,
            parallel: None,
            width: 64,
            height: 48,
        }
    }

    /// Pixels for a scene unit instead of a focal length; rays start at the plane itself.
    fn orthographic() -> Camera {
        Camera { focal: 20.0, distortion: [-0.02, 0.001], parallel: Some(0.0), ..camera() }
    }

    /// `f` before and after each number of the camera moves by `h`, in the order of the cotangents.
    fn moved(c: Camera, h: f64) -> Vec<Camera> {
        let spun = |k: usize| {
            let frame = c.frame.map(|v| v + V3::unit(k).cross(v) * h);
            Camera { frame, ..c }
        };
        let mut all: Vec<Camera> =
            (0..3).map(|k| Camera { position: c.position + V3::unit(k) * h, ..c }).collect();
        all.extend((0..3).map(spun));
        all.push(Camera { focal: c.focal + h, ..c });
        all.push(Camera { centre: [c.centre[0] + h, c.centre[1]], ..c });
        all.push(Camera { centre: [c.centre[0], c.centre[1] + h], ..c });
        all.push(Camera { distortion: [c.distortion[0] + h, c.distortion[1]], ..c });
        all.push(Camera { distortion: [c.distortion[0], c.distortion[1] + h], ..c });
        all
    }

    fn compare(camera: Camera, bar: &CameraBar, f: impl Fn(&Camera) -> f64) {
        let bars =
            [bar.pinhole.0.as_slice(), &bar.spin.0, &bar.lens.0, &bar.distortion.0[..2]].concat();
        for ((a, b), bar) in moved(camera, 1e-5).iter().zip(&moved(camera, -1e-5)).zip(bars) {
            let difference = (f(a) - f(b)) / 2e-5;
            assert!((bar - difference).abs() < 1e-6 * (1.0 + bar.abs()), "{bar} {difference}");
        }
    }

    fn project(c: &Camera, q: V3) -> [f64; 2] {
        c.film_of(c.flat(q))
    }

    #[test]
    fn projection_inverts_the_ray_and_its_pullback_is_the_derivative() {
        for camera in [camera(), orthographic()] {
            let film = [13.3, 40.1];
            let [origin, w] = camera.ray(film);
            let q = origin + w * 3.7;
            let back = project(&camera, q);
            assert!((back[0] - film[0]).abs() < 1e-12 && (back[1] - film[1]).abs() < 1e-12);
            let (origin, w, t) = camera.ray_to(q);
            assert!((origin + w * t - q).norm() < 1e-12);
            for n in [[1.0, 0.0], [0.0, 1.0]] {
                let along = |p: [f64; 2]| n[0] * p[0] + n[1] * p[1];
                let (pulled, bar) = camera.project_pullback(q, n);
                compare(camera, &bar, |c| along(project(c, q)));
                for k in 0..3 {
                    let at = |h: f64| along(project(&camera, q + V3::unit(k) * h));
                    let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((pulled[k] - difference).abs() < 1e-6, "{} {difference}", pulled[k]);
                    let moved = along(camera.motion_of(q, V3::unit(k)));
                    assert!((moved - pulled[k]).abs() < 1e-12 * (1.0 + moved.abs()));
                }
            }
        }
    }

    #[test]
    fn the_pullback_of_a_ray_is_its_derivative() {
        for camera in [camera(), orthographic(), Camera { parallel: Some(2.5), ..orthographic() }] {
            let film = [50.2, 4.4];
            let (o_bar, w_bar) = (V3::from([0.3, -0.2, 0.9]), V3::from([-0.4, 0.8, 0.1]));
            let bar = camera.ray_pullback(film, camera.ray(film)[1], o_bar, w_bar);
            compare(camera, &bar, |c| {
                let [origin, w] = c.ray(film);
                origin.dot(o_bar) + w.dot(w_bar)
            });
        }
    }

    #[test]
    fn a_distortion_that_folds_the_film_is_seen() {
        assert!(!camera().folds());
        assert!(!Camera { distortion: [0.3, 0.0], ..camera() }.folds());
        assert!(Camera { distortion: [-2.0, 0.0], ..camera() }.folds());
        assert!(!Camera { distortion: [-0.6, 0.2], ..camera() }.folds());
    }

    #[test]
    fn a_view_without_a_frame_is_refused() {
        let view = CameraView { position: [0.0; 3], target: [0.0, 1.0, 0.0], ..VIEW };
        assert!(CameraView { up: [0.0, 2.0, 0.0], ..view }.frame().is_none());
        assert!(CameraView { up: [1.0, 0.0, 0.0], ..view }.frame().is_some());
        assert!(CameraView { fov_deg: 180.0, ..view }.focal(4).is_none());
    }
}

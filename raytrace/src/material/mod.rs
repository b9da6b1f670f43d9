//! How a surface reflects: from a direction of light to the direction of the eye.
//!
//! [`Surfel::response`] is the reflectance times the cosine, `f(w, d) cos(d)`, times the length of `d`: a function of degree 1 of
//! `d`, so that a vector to a light need not be normalised first.
//!
//! The cosine is that to the normal of the shading `s`. Where this is not the normal `n` of the face, light that the face's plane hides
//! would end abruptly: it fades out instead by Chiang, Li & Burley's softening (SIGGRAPH 2019 talks, "Taming the shadow
//! terminator"), `-G^3 + G^2 + G` with `G = min(1, (n.d) / ((s.d) (n.s)))`. So the response is continuous in all it depends on, and
//! no edge runs where the two normals disagree about the horizon. At the edges of faces `n` jumps, and with it this factor.

mod conductor;

use std::f64::consts::{FRAC_1_PI, PI};

use self::conductor::Reflection;
use crate::geometry::{Rgb, V3, ZERO, length, unit};

/// A point of a surface as light meets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surfel {
    /// Unit normal of the face on the side of the eye.
    pub(crate) n: V3,
    /// Unit normal of the shading, on the same side.
    pub(crate) s: V3,
    /// Unit vector to the eye.
    pub(crate) w: V3,
    /// Fraction that is reflected; of a conductor that at normal incidence.
    pub(crate) albedo: Rgb,
    /// Of a conductor; `None` of a diffuse surface.
    pub(crate) roughness: Option<f64>,
}

/// Cotangents of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseBar {
    pub(crate) d: V3,
    pub(crate) n: V3,
    pub(crate) s: V3,
    /// Of the unit vector to the eye.
    pub(crate) w: V3,
    pub(crate) albedo: Rgb,
    pub(crate) roughness: f64,
}

/// The softened cosine times the length of `d`, with derivatives by `s.d`, `n.d` and `n.s`.
#[inline]
fn cosine(s_d: f64, n_d: f64, n_s: f64) -> (f64, [f64; 3]) {
    if !(s_d > 0.0 && n_d > 0.0) {
        return (0.0, [0.0; 3]);
    }
    let g = n_d / (s_d * n_s);
    if g >= 1.0 {
        return (s_d, [1.0, 0.0, 0.0]);
    }
    let value = g * (1.0 + g * (1.0 - g));
    let slope = 1.0 + g * (2.0 - 3.0 * g);
    (s_d * value, [value - g * slope, slope / n_s, -s_d * g * slope / n_s])
}

impl Surfel {
    /// `f cos |d|` of light from `d`.
    #[inline]
    pub(crate) fn response(&self, d: V3) -> Rgb {
        let (cos, _) = cosine(self.s.dot(d), self.n.dot(d), self.n.dot(self.s));
        let Some(roughness) = self.roughness else { return self.albedo * (cos * FRAC_1_PI) };
        match Reflection::new(self.s, self.w, unit(d)) {
            Some(reflection) if cos > 0.0 => reflection.reflectance(self.albedo, roughness) * cos,
            _ => Rgb::BLACK,
        }
    }

    /// Cotangents for that of the response.
    #[inline]
    pub(crate) fn pullback(&self, d: V3, bar: Rgb) -> ResponseBar {
        let (cos, [by_sd, by_nd, by_ns]) = cosine(self.s.dot(d), self.n.dot(d), self.n.dot(self.s));
        let by_cosine = |c: f64| ResponseBar {
            d: (self.s * by_sd + self.n * by_nd) * c,
            n: (d * by_nd + self.s * by_ns) * c,
            s: (d * by_sd + self.n * by_ns) * c,
            w: ZERO,
            albedo: bar * (cos * FRAC_1_PI),
            roughness: 0.0,
        };
        let Some(roughness) = self.roughness else {
            return by_cosine(self.albedo.dot(bar) * FRAC_1_PI);
        };
        let (r, e) = (length(d), unit(d));
        let Some(reflection) = Reflection::new(self.s, self.w, e).filter(|_| cos > 0.0) else {
            return ResponseBar { albedo: Rgb::BLACK, ..by_cosine(0.0) };
        };
        let by = reflection.pullback(self.albedo, roughness, bar * cos);
        let sum = by_cosine(reflection.reflectance(self.albedo, roughness).dot(bar));
        ResponseBar {
            d: sum.d + (by.d - e * e.dot(by.d)) * r.recip(),
            s: sum.s + by.s,
            w: by.w,
            albedo: by.albedo,
            roughness: by.roughness,
            ..sum
        }
    }

    /// Whether it reflects some directions much more than others.
    #[inline]
    pub(crate) fn is_glossy(&self) -> bool {
        self.roughness.is_some()
    }

    /// A direction that light may be looked for in, for `u` in the unit square: of a visible microfacet, or in proportion to the
    /// cosine (Malley's method).
    pub(crate) fn sample(&self, u: [f64; 2]) -> V3 {
        if let Some(roughness) = self.seen_roughness() {
            return conductor::sample(self.s, self.w, roughness, u);
        }
        let (r, angle) = (u[0].sqrt(), 2.0 * PI * u[1]);
        let [a, b] = across(self.s);
        let up = (1.0 - u[0]).max(0.0).sqrt();
        a * (r * angle.cos()) + b * (r * angle.sin()) + self.s * up
    }

    /// Density of [`Self::sample`] by solid angle, of the unit vector `d`.
    pub(crate) fn density(&self, d: V3) -> f64 {
        let Some(roughness) = self.seen_roughness() else {
            return self.s.dot(d).max(0.0) * FRAC_1_PI;
        };
        Reflection::new(self.s, self.w, d).map_or(0.0, |r| r.density(roughness))
    }

    /// The roughness where the eye is above the shading's surface.
    #[inline]
    fn seen_roughness(&self) -> Option<f64> {
        self.roughness.filter(|_| self.s.dot(self.w) > 0.0)
    }
}

/// Two unit vectors across a unit vector and across each other (Duff et al., JCGT 6(1), 2017).
#[inline]
pub(crate) fn across(n: V3) -> [V3; 2] {
    let sign = 1.0_f64.copysign(n[2]);
    let a = -(sign + n[2]).recip();
    let b = n[0] * n[1] * a;
    [
        V3::from([1.0 + sign * n[0] * n[0] * a, sign * b, -sign * n[0]]),
        V3::from([b, sign + n[1] * n[1] * a, -n[1]]),
    ]
}

#[cfg(test)]
mod tests {
    use cotangent_ad::random::Stream;

    use super::{Surfel, across};
    use crate::geometry::{Rgb, V3, unit};

    fn surfels() -> Vec<Surfel> {
        let n = unit(V3::from([0.1, -0.2, 1.0]));
        let mut all = Vec::new();
        for s in [n, unit(V3::from([0.3, 0.1, 0.9]))] {
            for roughness in [None, Some(0.2), Some(0.7)] {
                let w = unit(V3::from([-0.5, 0.3, 0.8]));
                all.push(Surfel { n, s, w, albedo: Rgb([0.9, 0.5, 0.2]), roughness });
            }
        }
        all
    }

    /// Directions of a lattice in the unit square with its areas' weight.
    fn lattice(n: usize) -> impl Iterator<Item = [f64; 2]> {
        (0..n * n).map(move |k| {
            let at = |i: usize| (i as f64 + 0.5) / n as f64;
            [at(k / n), at(k % n)]
        })
    }

    #[test]
    fn cotangents_are_differences() {
        let bar = Rgb([0.7, -0.3, 1.1]);
        for surfel in surfels() {
            for d in [[0.4, 0.6, 1.3], [1.6, 0.2, 0.5], [1.0, 1.0, 0.05]] {
                let d = V3::from(d);
                let found = surfel.pullback(d, bar);
                let h = 1e-6;
                let value = |s: &Surfel, d: V3| s.response(d).dot(bar);
                let check = |what: &str, found: f64, of: &dyn Fn(f64) -> f64| {
                    let difference = (of(h) - of(-h)) / (2.0 * h);
                    let size = 1.0_f64.max(difference.abs());
                    // where both normals are one, the softening's second derivative is one-sided: an error of order h
                    assert!(
                        (found - difference).abs() < 5.0 * h * size,
                        "{what}: {found}, {difference}"
                    );
                };
                for k in 0..3 {
                    let step = |h: f64| V3::unit(k) * h;
                    check("d", found.d[k], &|h| value(&surfel, d + step(h)));
                    check("n", found.n[k], &|h| {
                        value(&Surfel { n: surfel.n + step(h), ..surfel }, d)
                    });
                    check("s", found.s[k], &|h| {
                        value(&Surfel { s: surfel.s + step(h), ..surfel }, d)
                    });
                    check("w", found.w[k], &|h| {
                        value(&Surfel { w: surfel.w + step(h), ..surfel }, d)
                    });
                    let albedo = |h: f64| surfel.albedo + Rgb(step(h).0);
                    check("albedo", found.albedo.0[k], &|h| {
                        value(&Surfel { albedo: albedo(h), ..surfel }, d)
                    });
                }
                if let Some(a) = surfel.roughness {
                    check("roughness", found.roughness, &|h| {
                        value(&Surfel { roughness: Some(a + h), ..surfel }, d)
                    });
                }
            }
        }
    }

    #[test]
    fn what_is_reflected_is_no_more_than_arrives_and_the_same_both_ways() {
        let n = V3::unit(2);
        for roughness in [None, Some(0.1), Some(0.5), Some(1.0)] {
            for w in [[0.2, 0.1, 1.0], [1.0, 0.3, 0.4], [1.0, 0.0, 0.1]] {
                let w = unit(V3::from(w));
                let surfel = Surfel { n, s: n, w, albedo: Rgb::WHITE, roughness };
                // the albedo for light of one from everywhere, by samples of the surface itself
                let count = 200;
                let mean = lattice(count).fold(0.0, |sum, u| {
                    let d = surfel.sample(u);
                    if d[2] <= 0.0 {
                        return sum;
                    }
                    let d = unit(d);
                    sum + surfel.response(d).0[0] / surfel.density(d) / (count * count) as f64
                });
                assert!(mean <= 1.0 + 1e-6, "{roughness:?} reflects {mean}");
                // the same over a lattice of the hemisphere
                let even = lattice(2 * count).fold(0.0, |sum, [z, angle]| {
                    let (r, angle) = ((1.0 - z * z).sqrt(), 2.0 * super::PI * angle);
                    let d = V3::from([r * angle.cos(), r * angle.sin(), z]);
                    let area = 2.0 * super::PI / (4 * count * count) as f64;
                    sum + surfel.response(d).0[0] * area
                });
                assert!((mean - even).abs() < 0.01 * even, "{roughness:?}: {mean}, {even}");
                let d = unit(V3::from([-0.3, 0.5, 0.6]));
                let back = Surfel { w: d, ..surfel };
                let [there, back] = [surfel.response(d).0[0] / d[2], back.response(w).0[0] / w[2]];
                assert!((there - back).abs() < 1e-12 * there, "{there} {back}");
            }
        }
    }

    /// Pearson's test over cells of the sphere: samples against the integral of their density.
    #[test]
    fn directions_are_drawn_with_their_density() {
        const CELLS: [usize; 2] = [8, 12];
        const FINE: usize = 16;
        let stream = Stream::new(&[11]);
        for (case, surfel) in surfels().into_iter().enumerate() {
            let [a, b] = across(surfel.s);
            let mut expected = vec![0.0; CELLS[0] * CELLS[1]];
            for (k, cell) in expected.iter_mut().enumerate() {
                for [u, v] in lattice(FINE) {
                    let z = ((k / CELLS[1]) as f64 + u) / CELLS[0] as f64;
                    let angle = ((k % CELLS[1]) as f64 + v) / CELLS[1] as f64 * 2.0 * super::PI;
                    let r = (1.0 - z * z).sqrt();
                    let d = a * (r * angle.cos()) + b * (r * angle.sin()) + surfel.s * z;
                    let area = 2.0 * super::PI / (CELLS[0] * CELLS[1] * FINE * FINE) as f64;
                    *cell += surfel.density(d) * area;
                }
            }
            let count = 40_000;
            let mut found = vec![0.0; expected.len()];
            for k in 0..count {
                let u = [0, 1].map(|c| stream.uniform((case * count + k) as u64 * 2 + c));
                let d = surfel.sample(u);
                let z = surfel.s.dot(d);
                if z <= 0.0 {
                    continue;
                }
                let angle = d.dot(b).atan2(d.dot(a)).rem_euclid(2.0 * super::PI);
                let column = (angle / (2.0 * super::PI) * CELLS[1] as f64) as usize;
                let row = ((z * CELLS[0] as f64) as usize).min(CELLS[0] - 1);
                found[row * CELLS[1] + column.min(CELLS[1] - 1)] += 1.0;
            }
            let (mut chi2, mut cells) = (0.0, 0.0);
            for (e, f) in expected.iter().zip(&found) {
                let e = e * count as f64;
                if e > 20.0 {
                    chi2 += (f - e) * (f - e) / e;
                    cells += 1.0;
                }
            }
            // the statistic has the mean `cells` and the deviation sqrt(2 cells)
            let z = (chi2 - cells) / (2.0_f64 * cells).sqrt();
            assert!(z < 4.5 && cells > 5.0, "case {case}: chi^2 {chi2} over {cells} cells");
        }
    }
}

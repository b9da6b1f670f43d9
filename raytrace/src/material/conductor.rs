//! A rough conductor: microfacets of Trowbridge & Reitz (GGX, Walter et al., EGSR 2007), Smith's shadowing and masking with correlated
//! heights (Heitz, JCGT 3(2), 2014), Schlick's Fresnel term.
//!
//! `f = D(s.h) V(s.d, s.w) F(h.d)` with the half vector `h` of `w` and `d`, `a` the roughness, and
//! `D = a^2 / (pi ((s.h)^2 (a^2 - 1) + 1)^2)`, `V = 1/2 / (s.d L(s.w) + s.w L(s.d))`, `L(c) = sqrt(a^2 + (1 - a^2) c^2)`,
//! `F = F_0 + (1 - F_0) (1 - h.d)^5`. `a` is not squared.

use std::f64::consts::PI;

use cotangent_ad::{Dual, Real};

use crate::geometry::{Rgb, V3, across, circle, length, unit};

/// Unit vectors of a reflection: the shading's normal, to the eye, to the light, and between these two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reflection {
    s: V3,
    w: V3,
    d: V3,
    h: V3,
    /// Length of `w + d`.
    size: f64,
}

/// Cotangents of a reflectance.
pub(super) struct ReflectanceBar {
    pub(super) d: V3,
    pub(super) s: V3,
    pub(super) w: V3,
    pub(super) albedo: Rgb,
    pub(super) roughness: f64,
}

/// `D V` of the cosines to the normal of light, eye and half vector, and the roughness.
pub(super) fn facets<R: Real>([light, eye, half, a]: [R; 4]) -> R {
    let a2 = a * a;
    let spread = half * half * (a2 - 1.0) + 1.0;
    let slope = |c: R| (a2 + (-a2 + 1.0) * (c * c)).sqrt();
    let masking = light * slope(eye) + eye * slope(light);
    a2 / (spread * spread * masking * (2.0 * PI))
}

impl Reflection {
    /// `None` where light comes from behind the shading's surface, or straight from behind the eye.
    pub(super) fn new(s: V3, w: V3, d: V3) -> Option<Self> {
        let sum = w + d;
        let size = length(sum);
        (s.dot(d) > 0.0 && size > 0.0).then(|| Self { s, w, d, h: sum * size.recip(), size })
    }

    /// A view from behind the shading's surface, which the face's normal allows, is as one from its front.
    fn cosines(&self) -> [f64; 3] {
        [self.s.dot(self.d), self.s.dot(self.w).abs(), self.s.dot(self.h)]
    }

    fn fresnel(&self) -> f64 {
        (1.0 - self.h.dot(self.d)).max(0.0).powi(5)
    }

    /// `f`.
    pub(super) fn reflectance(&self, albedo: Rgb, roughness: f64) -> Rgb {
        let [light, eye, half] = self.cosines();
        let p = self.fresnel();
        Rgb(albedo.0.map(|f| f + (1.0 - f) * p)) * facets([light, eye, half, roughness])
    }

    /// Cotangents for that of `f`.
    pub(super) fn pullback(&self, albedo: Rgb, roughness: f64, bar: Rgb) -> ReflectanceBar {
        let cosines = self.cosines();
        let at = [cosines[0], cosines[1], cosines[2], roughness];
        let lanes = [0, 1, 2, 3].map(|k| Dual::<f64, 4>::seed(at[k], k));
        let facets = facets(lanes);
        let p = self.fresnel();
        let fresnel = Rgb(albedo.0.map(|f| f + (1.0 - f) * p));
        let by_facets = bar.dot(fresnel);
        let by_p = bar.dot(Rgb(albedo.0.map(|f| 1.0 - f))) * facets.re;
        let by_hd = -5.0 * (1.0 - self.h.dot(self.d)).max(0.0).powi(4) * by_p;
        let [by_light, by_eye, by_half, by_roughness] = facets.eps.map(|e| e * by_facets);
        let eye = by_eye * self.s.dot(self.w).signum();
        let h_bar = self.s * by_half + self.d * by_hd;
        let by_sum = (h_bar - self.h * self.h.dot(h_bar)) * self.size.recip();
        ReflectanceBar {
            d: self.s * by_light + self.h * by_hd + by_sum,
            s: self.d * by_light + self.w * eye + self.h * by_half,
            w: self.s * eye + by_sum,
            albedo: bar * (facets.re * (1.0 - p)),
            roughness: by_roughness,
        }
    }

    /// Density by solid angle of [`sample`].
    pub(super) fn density(&self, roughness: f64) -> f64 {
        let [_, eye, half] = self.cosines();
        let a2 = roughness * roughness;
        let spread = half * half * (a2 - 1.0) + 1.0;
        let masking = eye + (a2 + (1.0 - a2) * eye * eye).sqrt();
        // G_1 D / (4 eye), G_1 = 2 eye / masking
        a2 / (PI * spread * spread) / (2.0 * masking)
    }
}

/// The direction that a visible microfacet reflects to, for `u` in the unit square; the eye is above the shading's surface.
pub(super) fn sample(s: V3, w: V3, roughness: f64, u: [f64; 2]) -> V3 {
    let h = visible_facet(s, w, roughness, u);
    h * (2.0 * h.dot(w)) - w
}

/// The normal of a microfacet that the eye sees, for `u` in the unit square (Dupuy & Benyoub, HPG 2023); the eye is above the shading's
/// surface.
pub(super) fn visible_facet(s: V3, w: V3, roughness: f64, u: [f64; 2]) -> V3 {
    let [a, b] = across(s);
    let local = V3::from([w.dot(a) * roughness, w.dot(b) * roughness, w.dot(s)]);
    let eye = unit(local);
    let [cos, sin] = circle(u[0]);
    let z = (1.0 - u[1]) * (1.0 + eye[2]) - eye[2];
    let r = (1.0 - z * z).max(0.0).sqrt();
    let cap = V3::from([r * cos, r * sin, z]) + eye;
    unit(a * (cap[0] * roughness) + b * (cap[1] * roughness) + s * cap[2])
}

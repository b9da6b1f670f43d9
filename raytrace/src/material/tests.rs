//! Every material: its derivative, its energy, that it is the same both ways, and that its directions have their density.

use std::f64::consts::PI;

use cotangent_ad::random::Stream;

use super::specular::Sent;
use super::{Lobe, Material, Surfel};
use crate::geometry::{Rgb, V3, across, circle, unit};

const MATERIALS: [Material; 5] = [
    Material::Diffuse,
    Material::Conductor { roughness: 0.2 },
    Material::Conductor { roughness: 0.7 },
    Material::Dielectric { index: 1.5, roughness: Some(0.15) },
    Material::Dielectric { index: 1.7, roughness: Some(0.6) },
];

fn surfels() -> Vec<Surfel> {
    let n = unit(V3::from([0.1, -0.2, 1.0]));
    let mut all = Vec::new();
    for s in [n, unit(V3::from([0.3, 0.1, 0.9]))] {
        for material in MATERIALS {
            for front in [true, false] {
                let w = unit(V3::from([-0.5, 0.3, 0.8]));
                let surfel = Surfel { n, s, w, albedo: Rgb([0.9, 0.5, 0.2]), material, front };
                if front || surfel.is_transparent() {
                    all.push(surfel);
                }
            }
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
        for d in [[0.4, 0.6, 1.3], [1.6, 0.2, 0.5], [1.0, 1.0, 0.05], [0.3, -0.2, -0.9]] {
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
                check("n", found.n[k], &|h| value(&Surfel { n: surfel.n + step(h), ..surfel }, d));
                check("s", found.s[k], &|h| value(&Surfel { s: surfel.s + step(h), ..surfel }, d));
                check("w", found.w[k], &|h| value(&Surfel { w: surfel.w + step(h), ..surfel }, d));
                let albedo = |h: f64| surfel.albedo + Rgb(step(h).0);
                check("albedo", found.albedo.0[k], &|h| {
                    value(&Surfel { albedo: albedo(h), ..surfel }, d)
                });
            }
            let material = surfel.material;
            if let Some(a) = material.roughness() {
                check("roughness", found.roughness, &|h| {
                    value(&Surfel { material: material.with_roughness(a + h), ..surfel }, d)
                });
            }
            if let Some(index) = material.index() {
                check("index", found.index, &|h| {
                    value(&Surfel { material: material.with_index(index + h), ..surfel }, d)
                });
            }
        }
    }
}

/// A surface in the plane `z = 0` that is white and seen from `w`.
fn white(material: Material, w: [f64; 3], front: bool) -> Surfel {
    let n = V3::unit(2);
    Surfel { n, s: n, w: unit(V3::from(w)), albedo: Rgb::WHITE, material, front }
}

/// What a surface sends to the eye of light of the direction `d`, times what a radiance beyond it is more than on the eye's side.
fn sent(surfel: &Surfel, d: V3) -> f64 {
    let beyond = if d[2] < 0.0 { surfel.eta().powi(2) } else { 1.0 };
    surfel.response(d).0[0] * beyond
}

#[test]
fn what_is_reflected_is_no_more_than_arrives_and_the_same_both_ways() {
    let conductor = |roughness| Material::Conductor { roughness };
    let glass = |index, roughness| Material::Dielectric { index, roughness: Some(roughness) };
    for material in [
        Material::Diffuse,
        conductor(0.1),
        conductor(0.5),
        conductor(1.0),
        glass(1.5, 0.2),
        glass(1.5, 0.5),
        glass(2.4, 1.0),
    ] {
        let sides: &[bool] = if material.index().is_some() { &[true, false] } else { &[true] };
        for (w, front) in [[0.2, 0.1, 1.0], [1.0, 0.3, 0.4], [1.0, 0.0, 0.1]]
            .into_iter()
            .flat_map(|w| sides.iter().map(move |front| (w, *front)))
        {
            let surfel = white(material, w, front);
            // the albedo for light of one from everywhere, by samples of the surface itself
            let count = 200;
            let stream = Stream::new(&[3]);
            let mean = lattice(count).enumerate().fold(0.0, |sum, (k, u)| {
                let Some(d) = surfel.sample(u, stream.uniform(k as u64)).map(unit) else {
                    return sum;
                };
                if d[2] <= 0.0 && !surfel.is_transparent() {
                    return sum;
                }
                sum + sent(&surfel, d) / surfel.density(d) / (count * count) as f64
            });
            assert!(mean <= 1.0 + 1e-3, "{material:?} reflects {mean}");
            // the same over a lattice of the sphere
            let even = lattice(2 * count).fold(0.0, |sum, [z, angle]| {
                let z: f64 = 2.0 * z - 1.0;
                let (r, angle) = ((1.0 - z * z).sqrt(), 2.0 * PI * angle);
                let d = V3::from([r * angle.cos(), r * angle.sin(), z]);
                let area = 4.0 * PI / (4 * count * count) as f64;
                sum + sent(&surfel, d) * area
            });
            assert!((mean - even).abs() < 0.01 * even, "{material:?}: {mean}, {even}");
            let w = surfel.w;
            for d in [[-0.3, 0.5, 0.6], [-0.1, 0.2, -0.9]] {
                let d = unit(V3::from(d));
                // the eye changes places with the light, on the other side where that is beyond
                let n = V3::unit(2) * d[2].signum();
                let back = Surfel { n, s: n, w: d, front: front == (d[2] > 0.0), ..surfel };
                let there = sent(&surfel, d) / d[2].abs();
                let back = back.response(w).0[0] / w[2];
                assert!((there - back).abs() <= 1e-12 * there, "{material:?}: {there} {back}");
            }
        }
    }
}

#[test]
fn a_smooth_boundary_splits_what_arrives_and_follows_snell() {
    let glass = Material::Dielectric { index: 1.5, roughness: None };
    for front in [true, false] {
        for w in [[0.2, 0.1, 1.0], [0.5, 0.3, 0.8], [1.0, 0.0, 0.1]] {
            let surfel = white(glass, w, front);
            let part = |lobe| surfel.part(lobe).0[0];
            let eta = surfel.eta();
            let beyond = eta * eta * part(Lobe::Refracted);
            assert!((part(Lobe::Reflected) + beyond - 1.0).abs() < 1e-14, "all goes somewhere");
            let reflected = surfel.send(0.0).unwrap();
            assert!((reflected.d + surfel.w)[0].abs() < 1e-15 && reflected.lobe == Lobe::Reflected);
            match surfel.send(1.0 - 1e-12).filter(|sent| sent.lobe == Lobe::Refracted) {
                Some(Sent { d, .. }) => {
                    let sine = |v: V3| v[0].hypot(v[1]);
                    assert!((sine(surfel.w) - eta * sine(d)).abs() < 1e-14);
                    assert!((d.norm_squared() - 1.0).abs() < 1e-14 && d[2] < 0.0);
                }
                None => assert!(!front && part(Lobe::Reflected) == 1.0, "total reflection"),
            }
        }
    }
    // at normal incidence ((1.5 - 1) / (1.5 + 1))^2
    let straight = white(glass, [0.0, 0.0, 1.0], true);
    assert!((straight.part(Lobe::Reflected).0[0] - 0.04).abs() < 1e-15);
}

#[test]
fn a_mirror_has_the_cotangents_of_differences_and_is_the_limit_of_a_conductor() {
    let s = unit(V3::from([0.1, -0.2, 1.0]));
    let w = unit(V3::from([-0.5, 0.3, 0.8]));
    let albedo = Rgb([0.9, 0.5, 0.2]);
    let mirror = Surfel { n: s, s, w, albedo, material: Material::Mirror, front: true };
    let (part_bar, d_bar) = (Rgb([0.7, -0.3, 1.1]), V3::from([0.4, -0.8, 0.3]));
    let found = mirror.send_pullback(Lobe::Reflected, part_bar, d_bar);
    let value = |m: Surfel| {
        let sent = m.send(0.0).unwrap();
        sent.part.dot(part_bar) + sent.d.dot(d_bar)
    };
    let h = 1e-6;
    let check = |found: f64, of: &dyn Fn(f64) -> Surfel| {
        let difference = (value(of(h)) - value(of(-h))) / (2.0 * h);
        assert!((found - difference).abs() < 1e-8, "{found} {difference}");
    };
    for k in 0..3 {
        let step = |h: f64| V3::unit(k) * h;
        check(found.s[k], &|h| Surfel { s: mirror.s + step(h), ..mirror });
        check(found.w[k], &|h| Surfel { w: mirror.w + step(h), ..mirror });
        check(found.albedo.0[k], &|h| Surfel { albedo: albedo + Rgb(step(h).0), ..mirror });
    }
    // all that a conductor of little roughness sends from around the mirror's direction
    let conductor = Surfel { material: Material::Conductor { roughness: 0.01 }, ..mirror };
    let count = 100;
    let sum = lattice(count).fold(Rgb::BLACK, |sum, u| {
        let d = unit(conductor.sample(u, 0.0).unwrap());
        sum + conductor.response(d) * ((count * count) as f64 * conductor.density(d)).recip()
    });
    let part = mirror.part(Lobe::Reflected);
    (0..3).for_each(|c| assert!((sum.0[c] - part.0[c]).abs() < 1e-3, "{sum:?} {part:?}"));
}

/// Pearson's test over cells of the sphere: samples against the integral of their density.
#[test]
fn directions_are_drawn_with_their_density() {
    const CELLS: [usize; 2] = [16, 12];
    const FINE: usize = 16;
    let stream = Stream::new(&[11]);
    for (case, surfel) in surfels().into_iter().enumerate() {
        let [a, b] = across(surfel.s);
        let mut expected = vec![0.0; CELLS[0] * CELLS[1]];
        for (k, cell) in expected.iter_mut().enumerate() {
            for [u, v] in lattice(FINE) {
                let z = 2.0 * ((k / CELLS[1]) as f64 + u) / CELLS[0] as f64 - 1.0;
                let angle = ((k % CELLS[1]) as f64 + v) / CELLS[1] as f64 * 2.0 * PI;
                let r = (1.0 - z * z).sqrt();
                let d = a * (r * angle.cos()) + b * (r * angle.sin()) + surfel.s * z;
                let area = 4.0 * PI / (CELLS[0] * CELLS[1] * FINE * FINE) as f64;
                *cell += surfel.density(d) * area;
            }
        }
        let count = 40_000;
        let mut found = vec![0.0; expected.len()];
        for k in 0..count {
            let u = [0, 1, 2].map(|c| stream.uniform((case * count + k) as u64 * 3 + c));
            let Some(d) = surfel.sample([u[0], u[1]], u[2]) else { continue };
            let z = surfel.s.dot(d);
            let angle = d.dot(b).atan2(d.dot(a)).rem_euclid(2.0 * PI);
            let column = (angle / (2.0 * PI) * CELLS[1] as f64) as usize;
            let row = ((0.5 * (z + 1.0) * CELLS[0] as f64) as usize).min(CELLS[0] - 1);
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

#[test]
fn points_of_the_circle_are_those_of_cosine_and_sine() {
    for k in 0..=4096 {
        let u = f64::from(k) / 4096.0;
        // the angle itself is rounded, by up to half of the last place of 2 pi
        let (sin, cos) = (2.0 * PI * u).sin_cos();
        let [x, y] = circle(u);
        assert!((x - cos).abs() < 8e-16 && (y - sin).abs() < 8e-16, "{u}");
        assert!((x * x + y * y - 1.0).abs() < 5e-16, "{u}");
    }
    assert_eq!(
        [0.0, 0.25, 0.5, 1.0].map(circle),
        [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [1.0, 0.0]]
    );
}

//! Judging and drawing a pose.

use cotangent_ad::{Quat, Vec3};
use cotangent_problem::SampleKey;
use cotangent_raytrace::{
    DerivativeOptions, Image, RenderOptions, Rgb, Selection, Terms, World, jacobian, render,
};

use super::{NAMES, Ready, Study};
use cotangent_harness::figure::{Figure, Panel, encode_png};
use cotangent_harness::{Conclusion, Criterion, Finished, Judge};

/// Samples of the pictures in the report, as a multiple of the run's.
const FINER: u32 = 4;

/// How far a point is from the truth.
struct Errors {
    rotation_deg: f64,
    /// Share of the object's size.
    translation: f64,
    albedo: f64,
    radiance: f64,
}

impl Study {
    fn errors(&self, x: &[f64]) -> Option<Errors> {
        let truth = self.truth?;
        let three = |k: usize| Vec3([x[k], x[k + 1], x[k + 2]]);
        let turn = Quat::exp(three(3)) * Quat::exp(Vec3(truth.rotation)).conjugate();
        let relative = |k: usize, t: [f64; 3]| {
            (0..3).map(|c| ((x[k + c] - t[c]) / t[c]).abs()).fold(0.0, f64::max)
        };
        Some(Errors {
            rotation_deg: turn.log().norm().to_degrees(),
            translation: (three(0) - Vec3(truth.translation)).norm() / self.size,
            albedo: relative(6, truth.albedo),
            radiance: relative(9, truth.radiance),
        })
    }

    fn criteria(&self, run: &Finished) -> Vec<Criterion> {
        let (Some(start), Some(end)) = (self.errors(run.start), self.errors(run.answer)) else {
            return Vec::new();
        };
        let [rotation, translation, colour] = self.goal;
        let row = |what: &str, unit: &str, factor: f64, most: f64, a: f64, b: f64| Criterion {
            what: what.into(),
            must: format!("at most {}{unit}", factor * most),
            measured: format!("{:.3}{unit} -> {:.4}{unit}", factor * a, factor * b),
            met: Some(b <= most),
        };
        vec![
            row("rotation", " deg", 1.0, rotation, start.rotation_deg, end.rotation_deg),
            row(
                "translation, share of the object's size",
                " %",
                100.0,
                translation,
                start.translation,
                end.translation,
            ),
            row("albedo, worst channel", " %", 100.0, colour, start.albedo, end.albedo),
            row("radiance, worst channel", " %", 100.0, colour, start.radiance, end.radiance),
        ]
    }

    fn world(&self, x: &[f64]) -> Result<World, String> {
        self.matching.world(x).map_err(|e| e.to_string())
    }

    /// More samples than the run's, and others.
    fn finer(&self) -> DerivativeOptions {
        let options = self.matching.options(SampleKey(1));
        DerivativeOptions { spp: options.spp.saturating_mul(FINER), ..options }
    }

    fn image(&self, world: &World) -> Image {
        let DerivativeOptions { spp, seed, key, .. } = self.finer();
        render(world, 0, RenderOptions { spp, seed, key })
    }

    /// Derivative images by one entry of the translation and one of the rotation, with the boundary terms and without.
    fn derivatives(&self, world: &World) -> Result<Figure, String> {
        let selection = Selection::new(world.scene(), &NAMES[..2]).map_err(|e| e.to_string())?;
        let options = self.finer();
        let of =
            |terms: Terms| jacobian(world, 0, &selection, &DerivativeOptions { terms, ..options });
        let (with, without) = (of(Terms::ALL), of(Terms::INTERIOR));
        let mut panels = Vec::new();
        for (entry, name) in [(0, "translation x"), (4, "rotation y")] {
            let scale = largest(&with[entry]);
            let end = format!("white 0, red/blue +-{scale:.1e}");
            panels.push(signed(&format!("by {name}: {end}"), &with[entry], scale)?);
            panels.push(signed(
                &format!("by {name}, without moving edges"),
                &without[entry],
                scale,
            )?);
        }
        Ok(pictures(
            "derivatives",
            "Derivative of the image, with and without moving edges",
            panels,
        ))
    }
}

impl Judge for Ready<'_> {
    fn conclude(&self, run: &Finished) -> Result<Conclusion, String> {
        let study = self.study;
        let target = &study.matching.shots()[0].target;
        let answer = study.world(run.answer)?;
        let (start, end) = (study.image(&study.world(run.start)?), study.image(&answer));
        let white = target.pixels.iter().map(|p| p.max_channel()).fold(0.0, f64::max);
        let minus = |a: &Image| Image {
            pixels: a.pixels.iter().zip(&target.pixels).map(|(a, b)| *a - *b).collect(),
            ..*a
        };
        let (before, after) = (minus(&start), minus(&end));
        let scale = largest(&after);
        let panels = vec![
            shown("the picture", target, white)?,
            shown("start", &start, white)?,
            shown("answer", &end, white)?,
            signed(
                &format!("answer less picture: white 0, red/blue +-{scale:.1e}"),
                &after,
                scale,
            )?,
        ];
        let misfit = |d: &Image| (d.dot(d) / (3.0 * d.pixels.len() as f64)).sqrt();
        let title = format!(
            "Picture, start and answer; root mean square difference {:.4} -> {:.4}",
            misfit(&before),
            misfit(&after)
        );
        let size = size(&end)?;
        Ok(Conclusion {
            criteria: study.criteria(run),
            figures: vec![pictures("pictures", &title, panels), study.derivatives(&answer)?],
            artifacts: vec![("answer.png".into(), encode_png(size, &tones(&end, white))?)],
            ..Conclusion::default()
        })
    }
}

fn pictures(name: &str, title: &str, panels: Vec<Panel>) -> Figure {
    Figure {
        name: name.into(),
        title: title.into(),
        x_label: String::new(),
        y_label: String::new(),
        log_y: false,
        series: Vec::new(),
        panels,
    }
}

fn size(image: &Image) -> Result<[u32; 2], String> {
    let side = |n: usize| u32::try_from(n).map_err(|e| e.to_string());
    Ok([side(image.width)?, side(image.height)?])
}

fn shown(label: &str, image: &Image, white: f64) -> Result<Panel, String> {
    Panel::new(label, size(image)?, &tones(image, white))
}

/// sRGB, with `white` the radiance that is shown as white.
fn tones(image: &Image, white: f64) -> Vec<[u8; 3]> {
    let curve = |c: f64| {
        let c = (c / white).clamp(0.0, 1.0);
        byte(if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 })
    };
    image.pixels.iter().map(|p| p.0.map(curve)).collect()
}

/// Mean of the channels.
fn grey(p: Rgb) -> f64 {
    p.dot(Rgb::WHITE) / 3.0
}

/// The size that 99 % of the pixels do not exceed, so that a few do not hide the rest.
fn largest(image: &Image) -> f64 {
    let mut sizes: Vec<f64> = image.pixels.iter().map(|p| grey(*p).abs()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes[(sizes.len() - 1) * 99 / 100].max(f64::MIN_POSITIVE)
}

/// Red above zero, blue below, white at zero.
fn signed(label: &str, image: &Image, scale: f64) -> Result<Panel, String> {
    let colour = |p: &Rgb| {
        let v = (grey(*p) / scale).clamp(-1.0, 1.0);
        let away = |full: f64| byte(1.0 - v.abs() * (1.0 - full));
        if v > 0.0 {
            [away(0.698), away(0.094), away(0.169)]
        } else {
            [away(0.129), away(0.4), away(0.674)]
        }
    };
    let pixels: Vec<[u8; 3]> = image.pixels.iter().map(colour).collect();
    Panel::new(label, size(image)?, &pixels)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument is within [0, 1]"
)]
fn byte(v: f64) -> u8 {
    (255.0 * v).round() as u8
}

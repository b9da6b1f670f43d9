//! How far images are from pictures, as an objective.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};

use crate::derivative::{jacobian, vjp};
use crate::edge::follows;
use crate::film::Image;
use crate::integrator::{RenderOptions, render};
use crate::options::DerivativeOptions;
use crate::scene::{Scene, SceneError, Selection, World};

/// A picture that a camera took.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// Number of the camera.
    pub camera: usize,
    /// What it saw.
    pub target: Image,
    /// How much each pixel counts, row by row, from 0 to 1; `None` is 1 everywhere.
    pub mask: Option<Vec<f64>>,
}

impl Shot {
    /// A picture of the first camera that counts everywhere.
    pub fn new(target: Image) -> Self {
        Self { camera: 0, target, mask: None }
    }

    fn mask(&self, pixel: usize) -> f64 {
        self.mask.as_ref().map_or(1.0, |m| m[pixel])
    }

    /// Whether it fits the film of its camera.
    fn check(&self, scene: &Scene) -> Result<(), SceneError> {
        let camera = self.camera;
        let wrong = |why: String| Err(SceneError::Picture { camera, why });
        if camera >= scene.cameras().len() {
            return wrong(format!("has no camera: there are {}", scene.cameras().len()));
        }
        let [width, height] = scene.film(camera);
        let size = [self.target.width, self.target.height];
        if size != [width, height] || self.target.pixels.len() != width * height {
            return wrong(format!(
                "has {} x {} pixels, its film {width} x {height}",
                size[0], size[1]
            ));
        }
        let Some(mask) = &self.mask else { return Ok(()) };
        if mask.len() != width * height {
            return wrong(format!(
                "has a mask of {} pixels (expected {})",
                mask.len(),
                width * height
            ));
        }
        match mask.iter().find(|m| !(**m >= 0.0 && **m <= 1.0)) {
            Some(m) => wrong(format!("has a mask of {m} at a pixel: it must lie in [0, 1]")),
            None if mask.iter().all(|m| *m == 0.0) => {
                wrong("has a mask that hides all of it".into())
            }
            None => Ok(()),
        }
    }
}

/// `f = 1/2 sum m (I - T)^2 / n` over the channels of all pixels of all pictures, `m` the mask and `n` its sum: the residuals
/// are `sqrt(m / n) (I - T)`.
///
/// # Derivative
/// The image is a Monte Carlo estimate whose random numbers the [`SampleKey`] names. With a frozen key `f` is a deterministic
/// function; it has small jumps where an edge crosses a sample. The gradient is an estimate of the expected image's, edges
/// included, not of those jumps, from random numbers independent of the residual's: its mean over keys is the gradient of
/// the loss of the converged image. Both agree up to sampling noise, which falls with the options' counts.
#[derive(Clone, Debug)]
pub struct ImageMatch {
    scene: Scene,
    selection: Selection,
    shots: Vec<Shot>,
    options: DerivativeOptions,
    /// Sum of the masks over channels.
    count: f64,
}

/// How far a scene is from its pictures, against the noise of its images. All are root mean squares over what the masks show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Misfit {
    /// Between one image and the pictures.
    pub difference: f64,
    /// Of the noise of one image.
    pub noise: f64,
    /// Mean square of the difference over that of the noise: 1 where nothing but the image's own noise tells them apart, 2 where the
    /// pictures are as noisy.
    pub reduced_chi_square: f64,
    /// Between the converged image and the pictures, less the noise that was said to be the pictures': an estimate that can be
    /// below zero, as a mean square.
    pub systematic_square: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Misfit {
    /// Between the converged image and the pictures, as far as it can be told.
    pub fn systematic(&self) -> f64 {
        self.systematic_square.max(0.0).sqrt()
    }

    /// Whether the scene cannot explain the pictures: what noise does not explain is certain (3.5 standard errors), and at
    /// least half as large as the noise of an image.
    pub fn is_above_noise(&self) -> bool {
        self.systematic_square > 3.5 * self.standard_error
            && self.systematic_square > 0.25 * self.noise.powi(2)
    }
}

impl ImageMatch {
    /// The objective over the entries of `selection`, with `options.spp` samples for the images as well. The random numbers are
    /// those of the options' seed under the [`SampleKey`].
    ///
    /// # Errors
    /// [`SceneError::Picture`] where a picture or its mask has another size than its film, or there is no picture.
    pub fn new(
        scene: Scene,
        selection: Selection,
        shots: Vec<Shot>,
        options: DerivativeOptions,
    ) -> Result<Self, SceneError> {
        shots.iter().try_for_each(|s| s.check(&scene))?;
        let sum = |s: &Shot| (0..s.target.pixels.len()).map(|p| 3.0 * s.mask(p)).sum::<f64>();
        let count: f64 = shots.iter().map(sum).sum();
        if shots.is_empty() {
            return Err(SceneError::Empty("pictures"));
        }
        Ok(Self { scene, selection, shots, options, count })
    }

    /// The pictures.
    pub fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// The world at `x`.
    ///
    /// # Errors
    /// A [`SceneError`] where `x` has another length or a value is out of its range.
    pub fn world(&self, x: &[f64]) -> Result<World, SceneError> {
        self.moved(x, None)
    }

    /// The world at `x`, made of one that is no longer needed.
    fn moved(&self, x: &[f64], old: Option<World>) -> Result<World, SceneError> {
        let mut scene = self.scene.clone();
        self.selection.set(&mut scene, x)?;
        Ok(old.map_or_else(|| World::new(&scene), |world| world.moved(&scene)))
    }

    /// The selected parameters.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// How it is sampled under a key.
    pub fn options(&self, key: SampleKey) -> DerivativeOptions {
        DerivativeOptions { key: key.0, ..self.options }
    }

    /// `factor(m) (image - target)` at every pixel, `m` its mask.
    fn difference(shot: &Shot, image: &Image, factor: impl Fn(f64) -> f64) -> Image {
        let pixel = |k: usize| (image.pixels[k] - shot.target.pixels[k]) * factor(shot.mask(k));
        Image { pixels: (0..image.pixels.len()).map(pixel).collect(), ..*image }
    }

    /// How far the scene at `x` is from the pictures, and how much of that is noise. `picture_noise` is the root mean square of
    /// the pictures' own noise, 0 where it is not known. Two images are rendered for it, of which the key names the random numbers.
    ///
    /// With `I_1`, `I_2` independent, `(I_1 - I_2)^2 / 2` is an estimate of the noise, and `(I_1 - T) (I_2 - T)` one of the square of
    /// the converged difference, both without bias.
    ///
    /// # Errors
    /// A [`SceneError`] as [`ImageMatch::world`].
    pub fn misfit(
        &self,
        x: &[f64],
        key: SampleKey,
        picture_noise: f64,
    ) -> Result<Misfit, SceneError> {
        let world = self.world(x)?;
        let [mut difference, mut noise, mut product, mut square] = [0.0; 4];
        for shot in &self.shots {
            let draw = |k: u64| {
                let key = key.child("misfit", k).0;
                let options = RenderOptions { spp: self.options.spp, seed: self.options.seed, key };
                render(&world, shot.camera, options)
            };
            let (a, b) = (draw(0), draw(1));
            for (k, t) in shot.target.pixels.iter().enumerate() {
                let (i, j, m) = (a.pixels[k] - *t, b.pixels[k] - *t, shot.mask(k));
                difference += 0.5 * m * (i.dot(i) + j.dot(j));
                noise += 0.5 * m * (i - j).dot(i - j);
                product += m * i.dot(j);
                square += (0..3).map(|c| (m * i.0[c] * j.0[c]).powi(2)).sum::<f64>();
            }
        }
        let n = self.count;
        let (difference, noise, product) = (difference / n, noise / n, product / n);
        Ok(Misfit {
            difference: difference.sqrt(),
            noise: noise.sqrt(),
            reduced_chi_square: difference / (noise + picture_noise.powi(2)),
            systematic_square: product - picture_noise.powi(2),
            standard_error: ((square / n - product.powi(2)).max(0.0) / n).sqrt(),
        })
    }

    /// Gradient of the value, for the differences times their masks.
    fn gradient(&self, world: &World, differences: &[Image], key: SampleKey) -> Vec<f64> {
        let options = self.options(key);
        let mut sum = vec![0.0; self.selection.dim()];
        for (shot, difference) in self.shots.iter().zip(differences) {
            let gradient = vjp(world, shot.camera, &self.selection, difference, &options);
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g / self.count);
        }
        sum
    }

    /// Jacobian of the residuals, row-major.
    fn jacobian(&self, world: &World, key: SampleKey) -> Vec<f64> {
        let options = self.options(key);
        let mut rows = Vec::new();
        for shot in &self.shots {
            let columns = jacobian(world, shot.camera, &self.selection, &options);
            for pixel in 0..shot.target.pixels.len() {
                let root = (shot.mask(pixel) / self.count).sqrt();
                for channel in 0..3 {
                    rows.extend(columns.iter().map(|c| root * c.pixels[pixel].0[channel]));
                }
            }
        }
        rows
    }
}

impl Objective for ImageMatch {
    fn dim(&self) -> usize {
        self.selection.dim()
    }

    fn capabilities(&self) -> Capabilities {
        let residuals = Some(self.shots.iter().map(|s| 3 * s.target.pixels.len()).sum());
        Capabilities { gradient: true, residuals, hvp: false, stochastic: true }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let kept = ws.get_or_insert_with(|| None::<World>);
        let world = self
            .moved(x, kept.take())
            .map_err(|e| TrialFailure::OutOfDomain { why: e.to_string() })?;
        let DerivativeOptions { spp, seed, key: draw, .. } = self.options(key);
        let image = |s: &Shot| render(&world, s.camera, RenderOptions { spp, seed, key: draw });
        let images: Vec<Image> = self.shots.iter().map(image).collect();
        let differences = |factor: &dyn Fn(f64) -> f64| -> Vec<Image> {
            let pairs = self.shots.iter().zip(&images);
            pairs.map(|(shot, image)| Self::difference(shot, image, factor)).collect()
        };
        let residuals = differences(&|m| (m / self.count).sqrt());
        let value = 0.5 * residuals.iter().map(|r| r.dot(r)).sum::<f64>();
        if !value.is_finite() {
            return Err(TrialFailure::NonFinite { what: "the image".into() });
        }
        if want.gradient || want.jacobian {
            for shot in &self.shots {
                follows(&world, shot.camera, &self.selection)
                    .map_err(|e| TrialFailure::OutOfDomain { why: e.to_string() })?;
            }
        }
        let mut found = Evaluation { value, ..Evaluation::default() };
        if want.gradient {
            found.gradient = Some(self.gradient(&world, &differences(&|m| m), key));
        }
        if want.residuals {
            let all = residuals.iter().flat_map(|r| r.pixels.iter().flat_map(|p| p.0));
            found.residuals = Some(all.collect());
        }
        if want.jacobian {
            found.jacobian = Some(self.jacobian(&world, key));
        }
        *kept = Some(world);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use cotangent_problem::{Objective, SampleKey, Want, Workspace};

    use super::{ImageMatch, Shot};
    use crate::reference::oblique;
    use crate::scene::{SceneError, Selection, World};
    use crate::{DerivativeOptions, Image, RenderOptions, Rgb, render, vjp};

    const NAMES: [&str; 3] =
        ["mesh.solid.translation", "mesh.solid.albedo", "light.light.radiance"];

    /// The oblique scene's picture, and an objective whose start is moved away from it.
    fn study(spp: u32, mask: Option<Vec<f64>>) -> (ImageMatch, Vec<f64>) {
        let scene = oblique();
        let target = render(&World::new(&scene), 0, RenderOptions { spp: 1024, seed: 77, key: 0 });
        let selection = Selection::new(&scene, &NAMES).unwrap();
        let start = selection.get(&scene);
        let options =
            DerivativeOptions { spp, shadow_spp: 4, edge_samples: 16, ..Default::default() };
        let shot = Shot { mask, ..Shot::new(target) };
        (ImageMatch::new(scene, selection, vec![shot], options).unwrap(), start)
    }

    #[test]
    fn the_mean_gradient_at_four_samples_is_that_of_the_converged_image() {
        let (matching, mut x) = study(4, None);
        x[0] += 0.05;
        x[3] *= 0.7;
        let n = 64_u64;
        let mut ws = Workspace::new();
        let of = |key| {
            let e = matching.evaluate(&x, Want::GRADIENT, SampleKey(key), &mut ws).unwrap();
            e.gradient.unwrap()
        };
        let gradients: Vec<Vec<f64>> = (0..n).map(of).collect();
        // the adjoint of the converged image, and derivatives that share nothing with those above
        let world = matching.world(&x).unwrap();
        let image = render(&world, 0, RenderOptions { spp: 4096, seed: 5, key: 0 });
        let target = &matching.shots()[0].target;
        let pixels = image.pixels.iter().zip(&target.pixels).map(|(i, t)| *i - *t).collect();
        let adjoint = Image { pixels, ..image };
        let converged: Vec<Vec<f64>> = (0..16)
            .map(|key| {
                let options = DerivativeOptions { seed: 9, key, ..Default::default() };
                let g = vjp(&world, 0, matching.selection(), &adjoint, &options);
                g.iter().map(|g| g / matching.count).collect()
            })
            .collect();
        let statistics = |rows: &[Vec<f64>], k: usize| {
            let n = rows.len() as f64;
            let mean = rows.iter().map(|r| r[k]).sum::<f64>() / n;
            let variance = rows.iter().map(|r| (r[k] - mean).powi(2)).sum::<f64>() / (n - 1.0);
            (mean, variance / n)
        };
        let mut seen = false;
        for k in 0..x.len() {
            let ((a, va), (b, vb)) = (statistics(&gradients, k), statistics(&converged, k));
            let error = (va + vb).sqrt();
            assert!((a - b).abs() < 3.5 * error, "entry {k}: {a} against {b} +- {error}");
            seen |= error < 0.03 * b.abs();
        }
        assert!(seen, "one entry at least is found to 3 %");
    }

    #[test]
    fn a_misfit_above_the_noise_is_said_and_noise_is_not() {
        let (matching, x) = study(16, None);
        let right = matching.misfit(&x, SampleKey(3), 0.0).unwrap();
        assert!(!right.is_above_noise(), "{right:?}");
        assert!((right.reduced_chi_square - 1.0).abs() < 0.15, "{right:?}");
        let mut wrong = x;
        wrong[3] *= 0.8;
        wrong[6] *= 1.2;
        let wrong = matching.misfit(&wrong, SampleKey(3), 0.0).unwrap();
        assert!(wrong.is_above_noise() && wrong.reduced_chi_square > 1.5, "{wrong:?}");
        let noisy = matching.misfit(&x_of(&matching), SampleKey(3), right.noise).unwrap();
        assert!(noisy.reduced_chi_square < 0.7 * right.reduced_chi_square, "{noisy:?}");
    }

    fn x_of(matching: &ImageMatch) -> Vec<f64> {
        matching.selection().get(&oblique())
    }

    #[test]
    fn what_the_mask_hides_does_not_count() {
        let pixels = 32 * 24;
        let mask: Vec<f64> = (0..pixels).map(|k| if k % 3 == 0 { 1.0 } else { 0.0 }).collect();
        let (matching, x) = study(4, Some(mask.clone()));
        let want = Want { gradient: true, ..Want::JACOBIAN };
        let evaluate =
            |m: &ImageMatch| m.evaluate(&x, want, SampleKey(1), &mut Workspace::new()).unwrap();
        let clean = evaluate(&matching);
        let mut spoiled = matching.clone();
        for (k, p) in spoiled.shots[0].target.pixels.iter_mut().enumerate() {
            if mask[k] == 0.0 {
                *p = Rgb([1e3; 3]);
            }
        }
        assert!(evaluate(&spoiled) == clean);
        let residuals = clean.residuals.unwrap();
        let square: f64 = residuals.iter().map(|r| r * r).sum();
        assert!((0.5 * square - clean.value).abs() < 1e-15);
        // the mean over the third that is seen is about that over all
        let (all, _) = study(4, None);
        let ratio = clean.value / evaluate(&all).value;
        assert!((ratio - 1.0).abs() < 0.3, "{ratio}");
    }

    #[test]
    fn a_picture_that_does_not_fit_is_refused_with_its_numbers() {
        let scene = oblique();
        let selection = Selection::new(&scene, &NAMES).unwrap();
        let refused = |shot: Shot| {
            let options = DerivativeOptions::default();
            ImageMatch::new(scene.clone(), selection.clone(), vec![shot], options)
                .unwrap_err()
                .to_string()
        };
        let small = refused(Shot::new(Image::new(5, 4)));
        assert_eq!(small, "the picture for camera 0 has 5 x 4 pixels, its film 32 x 24");
        let good = Shot::new(Image::new(32, 24));
        let mask = refused(Shot { mask: Some(vec![1.0; 9]), ..good.clone() });
        assert_eq!(mask, "the picture for camera 0 has a mask of 9 pixels (expected 768)");
        let far = refused(Shot { mask: Some(vec![1.5; 768]), ..good.clone() });
        assert!(far.ends_with("a mask of 1.5 at a pixel: it must lie in [0, 1]"), "{far}");
        assert!(refused(Shot { mask: Some(vec![0.0; 768]), ..good.clone() }).contains("hides"));
        assert!(refused(Shot { camera: 1, ..good }).contains("there are 1"));
        let none = ImageMatch::new(
            scene.clone(),
            selection.clone(),
            Vec::new(),
            DerivativeOptions::default(),
        );
        assert!(matches!(none, Err(SceneError::Empty("pictures"))));
    }
}

//! How far an image is from a picture, as an objective.

use cotangent_problem::{
    Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace,
};

use crate::derivative::{DerivativeOptions, jacobian, vjp};
use crate::film::Image;
use crate::integrator::{RenderOptions, render};
use crate::scene::{Scene, SceneError, Selection, World};

/// `f = 1/2 sum (I - T)^2 / n` over the `n` channels of all pixels: the residuals are `(I - T) / sqrt(n)`.
///
/// # Derivative
/// The image is a Monte Carlo estimate whose random numbers the [`SampleKey`] names. With a frozen key `f` is a deterministic
/// function; it has small jumps where an edge crosses a sample, and its gradient is an estimate of the expected image's, edges
/// included, not of those jumps. Both agree up to sampling noise, which falls with the options' counts.
#[derive(Clone, Debug)]
pub struct ImageMatch {
    scene: Scene,
    selection: Selection,
    target: Image,
    options: DerivativeOptions,
}

impl ImageMatch {
    /// The objective over the entries of `selection`, with `options.spp` samples for the image as well. The
    /// options' seed is the [`SampleKey`]'s base: keys are added to it.
    ///
    /// # Panics
    /// Where the picture has another size than the film.
    pub fn new(
        scene: Scene,
        selection: Selection,
        target: Image,
        options: DerivativeOptions,
    ) -> Self {
        assert_eq!([target.width, target.height], scene.film(), "a picture of the film's size");
        Self { scene, selection, target, options }
    }

    /// The picture.
    pub fn target(&self) -> &Image {
        &self.target
    }

    /// The world at `x`.
    ///
    /// # Errors
    /// A [`SceneError`] where `x` has another length or a value is out of its range.
    pub fn world(&self, x: &[f64]) -> Result<World, SceneError> {
        let mut scene = self.scene.clone();
        self.selection.set(&mut scene, x)?;
        Ok(World::new(&scene))
    }

    /// The selected parameters.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// How it is sampled under a key.
    pub fn options(&self, key: SampleKey) -> DerivativeOptions {
        DerivativeOptions { seed: self.options.seed.wrapping_add(key.0), ..self.options }
    }
}

impl Objective for ImageMatch {
    fn dim(&self) -> usize {
        self.selection.dim()
    }

    fn capabilities(&self) -> Capabilities {
        let residuals = Some(3 * self.target.pixels.len());
        Capabilities { gradient: true, residuals, hvp: false, stochastic: true }
    }

    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let world = self.world(x).map_err(|e| TrialFailure::OutOfDomain { why: e.to_string() })?;
        let options = self.options(key);
        let image = render(&world, RenderOptions { spp: options.spp, seed: options.seed });
        let difference = Image {
            pixels: image.pixels.iter().zip(&self.target.pixels).map(|(i, t)| *i - *t).collect(),
            ..image
        };
        let n = 3.0 * difference.pixels.len() as f64;
        let channels = |image: &Image, factor: f64| -> Vec<f64> {
            image.pixels.iter().flat_map(|p| (*p * factor).0).collect()
        };
        let value = 0.5 * difference.dot(&difference) / n;
        if !value.is_finite() {
            return Err(TrialFailure::NonFinite { what: "the image".into() });
        }
        let mut found = Evaluation { value, ..Evaluation::default() };
        if want.gradient {
            let mut gradient = vjp(&world, &self.selection, &difference, &options);
            gradient.iter_mut().for_each(|g| *g /= n);
            found.gradient = Some(gradient);
        }
        let root = n.sqrt().recip();
        if want.residuals {
            found.residuals = Some(channels(&difference, root));
        }
        if want.jacobian {
            let columns: Vec<Vec<f64>> = jacobian(&world, &self.selection, &options)
                .iter()
                .map(|column| channels(column, root))
                .collect();
            let rows = 0..3 * difference.pixels.len();
            found.jacobian = Some(rows.flat_map(|r| columns.iter().map(move |c| c[r])).collect());
        }
        Ok(found)
    }
}

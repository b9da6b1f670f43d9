//! What only a simulation itself can show of an answer.

use crate::{Figure, Look, Volume};

/// What a simulation has to show of an answer beyond its outputs: pictures, files, and what is seen in space.
pub trait Portrait: Send + Sync {
    /// Pictures of a run: each input's value at the start and at the answer.
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure>;

    /// What else there is to say of an answer.
    fn extras(&self, answer: &[Vec<f64>]) -> Extras {
        let _ = answer;
        Extras::default()
    }

    /// Bodies in space where the inputs have these values.
    ///
    /// # Errors
    /// There is no value there.
    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let _ = inputs;
        Ok(Vec::new())
    }

    /// Numbers all over space where the inputs have these values.
    ///
    /// # Errors
    /// There is no value there, or there would be too many.
    fn volumes(&self, inputs: &[Vec<f64>]) -> Result<Vec<Volume>, String> {
        let _ = inputs;
        Ok(Vec::new())
    }
}

/// Files for `artifacts/`, by name and content, and what makes an answer doubtful.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Name and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Each with a remedy.
    pub warnings: Vec<String>,
}

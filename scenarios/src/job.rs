//! The run that a scenario asks for.

use cotangent_harness::{HarnessError, Input, InputFile, Job};

use crate::Loaded;

impl Loaded {
    /// The job of this scenario, which was read with `overrides`: copies of its files, and every setting.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn job(&self, overrides: &[String]) -> Result<Job, HarnessError> {
        self.job_given(self.settings.source().text.to_string(), overrides)
    }

    /// [`Self::job`] of a scenario whose text, as its user gave it, was `given`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn job_given(&self, given: String, overrides: &[String]) -> Result<Job, HarnessError> {
        let settings = &self.settings;
        let paths = settings.files();
        let files = InputFile::read(&paths)?;
        let mut resolved = settings.resolved();
        for (path, file) in paths.iter().zip(&files) {
            // as the settings quote it
            let quoted = |text: &str| toml::Value::from(text).to_string();
            resolved = resolved.replace(&quoted(&path.to_string_lossy()), &quoted(&file.name));
        }
        Ok(Job {
            method: self.method.clone(),
            stop: self.stop,
            seed: self.seed,
            asked: self.asked(),
            input: Some(Input { given, overrides: overrides.to_vec(), resolved, files }),
            ..Job::new(self.name(), &self.scenario.start(self.seed))
        })
    }

    /// What is asked, in sentences.
    fn asked(&self) -> String {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let summary = self.domain.summary;
        let mut letters = summary.chars();
        let first = letters.next().map_or_else(String::new, |c| c.to_uppercase().to_string());
        let space = self.scenario.space();
        format!(
            "{first}{}. {} in {} were free; the optimizer was {}, the seed {}.",
            letters.as_str(),
            count(space.dim(), "number"),
            count(space.parameters().len(), "parameter"),
            self.method.info().name,
            self.seed,
        )
    }
}

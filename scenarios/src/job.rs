//! The run that a scenario asks for.

use cotangent_harness::{HarnessError, Input, InputFile, Job};

use crate::{Loaded, search};

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
            restarts: search::restarts(settings, |seed| self.scenario.start(seed)),
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

#[cfg(test)]
mod tests {
    use crate::load;

    const SWINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/two-swings.toml");

    fn loaded(overrides: &[&str]) -> Result<crate::Loaded, String> {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        load(SWINGS.as_ref(), &overrides).map_err(|problems| problems[0].message.clone())
    }

    #[test]
    fn searches_begin_at_points_of_their_own() {
        let job = |seed: &str| {
            let overrides = [seed, "restarts.most=3", "restarts.until=0.5"];
            loaded(&overrides).unwrap().job(&[]).unwrap()
        };
        let (first, other) = (job("scenario.seed=1"), job("scenario.seed=2"));
        assert_eq!((first.restarts.until, first.restarts.starts.len()), (0.5, 3));
        let own = |job: &cotangent_harness::Job| {
            job.restarts.starts.iter().map(|s| (s.seed, s.x.clone())).collect::<Vec<_>>()
        };
        let mut all = [own(&first), own(&other), vec![(1, first.start), (2, other.start)]].concat();
        for (k, a) in all.iter().enumerate() {
            assert!(all[..k].iter().all(|b| a.0 != b.0 && a.1 != b.1), "{all:?}");
        }
        all.truncate(3);
        assert_eq!(all, own(&job("scenario.seed=1")), "the same searches every time");
    }

    #[test]
    fn searches_from_one_point_are_refused_unless_the_method_samples() {
        let most = "restarts.most=2";
        let still = ["parameter.0.spread=0", "parameter.1.spread=0", most];
        let refused = loaded(&still).unwrap_err();
        assert!(refused.contains("every search would begin at the same point"), "{refused}");
        assert!(loaded(&[still.as_slice(), &["optimizer.method=cma-es"]].concat()).is_ok());
    }
}

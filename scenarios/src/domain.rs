//! A kind of scenario as data: what it is called, what it may say, and what is made of that.

use std::path::Path;

use cotangent_answer::Task;
use cotangent_problem::Simulation;

use crate::Scenario;
use crate::diagnostic::Diagnostic;
use crate::document::{Grammar, Settings};
use crate::general::{Model, Study};
use crate::task::OfTask;

/// A kind of scenario.
#[derive(Debug)]
pub struct Domain {
    /// Its name in `scenario.kind`.
    pub kind: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What it may say beyond the common keys.
    pub grammar: Grammar,
    /// Files that `init` writes: name and content. The first is the scenario.
    pub template: &'static [(&'static str, &'static [u8])],
    /// What is made of checked settings, without computing anything long.
    pub(crate) makes: Makes,
    /// Extensions of users' own files that it is made for, and what writes a scenario for one: of the file's path, and of what
    /// the scenario calls it.
    pub(crate) first: Option<(&'static [&'static str], FirstScenario)>,
}

/// What a kind makes of settings.
#[derive(Debug)]
pub(crate) enum Makes {
    /// A simulation, of which anything can be asked.
    Simulation(fn(&Settings) -> Made<Model>),
    /// An objective that is no sum of terms on outputs.
    Task(fn(&Settings) -> Made<Box<dyn Task>>),
}

/// Writes a scenario for a file.
type FirstScenario = fn(&Path, &str) -> Made<String>;

/// What is made of a file, or everything that is wrong with it.
type Made<T> = Result<T, Vec<Diagnostic>>;

impl Domain {
    /// The simulation alone, before anything is free or asked; `None` where the kind has none.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn simulation(&self, s: &Settings) -> Option<Made<Box<dyn Simulation>>> {
        let Makes::Simulation(model) = self.makes else { return None };
        Some(model(s).and_then(|m| Ok(m.fixed(s)?.simulation)))
    }

    /// A scenario for a user's own file, where the kind is made for such; `file` is its path as the scenario will name it.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn scenario_for(&self, path: &Path, file: &str) -> Option<Made<String>> {
        let ((extensions, write), extension) = (self.first?, path.extension()?);
        extensions.iter().any(|e| extension.eq_ignore_ascii_case(e)).then(|| write(path, file))
    }

    /// Makes sense of checked settings, without computing anything long.
    ///
    /// # Errors
    /// Everything that contradicts itself.
    pub fn load(&self, s: &Settings) -> Made<Box<dyn Scenario>> {
        match self.makes {
            Makes::Simulation(model) => Ok(Box::new(Study::new(model(s)?, s)?)),
            Makes::Task(load) => Ok(Box::new(OfTask(load(s)?))),
        }
    }
}

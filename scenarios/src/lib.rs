//! Scenario files: what a user writes, and the kinds that give it meaning.
//!
//! [`document`] reads a TOML file with the places of its parts, checks it against the tables of [`keys`] and converts [`units`];
//! [`simulation`] is the simulation that it describes, [`load`] also what is free in it and what is asked of it. What is wrong with
//! a file is a [`diagnostic::Diagnostic`]; how it is shown is not known here.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use cotangent_scenarios::load;
//!
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/two-swings.toml");
//! let loaded = load(file.as_ref(), &["scenario.seed=7".into()]).map_err(|e| e[0].clone())?;
//! let prepared = loaded.scenario.prepare()?;
//! let start = loaded.scenario.start(loaded.seed);
//! assert_eq!(loaded.scenario.space().dim(), start.len());
//! assert!(prepared.objective().capabilities().gradient);
//! # Ok(()) }
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

pub mod common;
mod dft;
pub mod diagnostic;
pub mod document;
mod domain;
mod equations;
mod first;
mod general;
mod job;
pub mod keys;
mod molecules;
mod open;
mod physics;
mod raytrace;
mod search;
mod task;
pub mod units;

use std::path::Path;
use std::sync::Arc;

/// Molecules by another door: one file says what is computed, as a scenario does.
pub use cotangent_dft::molecule::qcschema;
/// What [`inspect`] gives.
pub use cotangent_physics::{InspectedBody, Inspection};
pub use domain::Domain;
pub use general::{film, tables};
pub use open::{Opened, open, pick};
pub use physics::inspect;

use cotangent_optim::{Method, Stop};
use cotangent_problem::{Asked, Capabilities, NoStages, Objective, Simulation, Space};

use crate::diagnostic::{CONTRADICTION, Diagnostic, nearest};
pub use cotangent_answer::Prepared;
use cotangent_answer::{Look, Volume};
use cotangent_harness::check_name;
use document::{Document, Settings};

/// All kinds.
pub const DOMAINS: &[Domain] = &[
    dft::TRAIN,
    dft::MOLECULES,
    dft::POTENTIAL,
    equations::DOMAIN,
    molecules::DOMAIN,
    physics::MOTION,
    physics::BALLS,
    raytrace::DOMAIN,
];

/// A loaded scenario: parameters and start are known, the objective may still have to be prepared.
pub trait Scenario: Send + Sync {
    /// The parameters.
    fn space(&self) -> Space;
    /// The start, which the seed perturbs.
    fn start(&self, seed: u64) -> Vec<f64>;
    /// What the objective will be able to give.
    fn capabilities(&self) -> Capabilities;
    /// Why a parameter cannot be differentiated; empty where all can.
    fn not_differentiable(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// Predicted cost of one evaluation with gradient, in a sentence.
    fn cost(&self) -> String;
    /// The simulation that it is about, with its fixed values; `None` where the kind has none.
    fn simulation(&self) -> Option<Arc<dyn Simulation>> {
        None
    }
    /// What is free and what is asked, where both are of a simulation.
    fn asked(&self) -> Option<&Asked> {
        None
    }
    /// What there is to see in space at `x`; nothing where the kind has no bodies.
    ///
    /// # Errors
    /// The simulation has no value there.
    fn looks(&self, x: &[f64]) -> Result<Vec<Look>, String> {
        let _ = x;
        Ok(Vec::new())
    }
    /// Numbers all over space at `x`; nothing where the kind has none.
    ///
    /// # Errors
    /// The simulation has no value there, or there would be too many of them.
    fn volumes(&self, x: &[f64]) -> Result<Vec<Volume>, String> {
        let _ = x;
        Ok(Vec::new())
    }
    /// Computes what the objective needs (reference data).
    ///
    /// # Errors
    /// A message for people.
    fn prepare(&self) -> Result<Box<dyn Prepared + '_>, String>;
}

/// A scenario file, read and checked.
pub struct Loaded {
    /// Checked settings.
    pub settings: Settings,
    /// What the domain made of them.
    pub scenario: Box<dyn Scenario>,
    /// Which domain.
    pub domain: &'static Domain,
    /// The optimizer.
    pub method: Method,
    /// Its stopping rules.
    pub stop: Stop,
    /// The seed.
    pub seed: u64,
}

impl Loaded {
    /// What the scenario is called.
    pub fn name(&self) -> &str {
        self.settings.get(common::NAME)
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("kind", &self.domain.kind).finish_non_exhaustive()
    }
}

/// Reads and checks a scenario file with its overrides.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, Vec<Diagnostic>> {
    load_text(path, &read(path)?, overrides)
}

fn read(path: &Path) -> Result<String, Vec<Diagnostic>> {
    std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        vec![Diagnostic::plain(
            "cotangent::scenario::unreadable",
            message,
            "`cotangent init KIND` writes a scenario to start from",
        )]
    })
}

/// The kind of a scenario, and its settings.
fn checked(document: Document) -> Result<(&'static Domain, Settings), Vec<Diagnostic>> {
    let kind = document.peek(common::KIND).map(str::to_owned);
    let Some(domain) = DOMAINS.iter().find(|d| Some(d.kind) == kind.as_deref()) else {
        return Err(vec![unknown_kind(&document, kind.as_deref())]);
    };
    Ok((domain, document.check(&domain.grammar)?))
}

/// The simulation of a scenario file, whether or not it says what is free and what is asked; `None` where its kind has none.
///
/// # Errors
/// Everything that is wrong with it.
pub fn simulation(
    path: &Path,
    overrides: &[String],
) -> Result<Option<Box<dyn Simulation>>, Vec<Diagnostic>> {
    simulation_of_text(path, &read(path)?, overrides)
}

/// [`simulation`] at the scenario's start: inputs that `[values]` does not name have the starts of the parameters that set them,
/// without what the seed would add.
///
/// # Errors
/// Everything that is wrong with it.
pub fn simulation_at_start(
    path: &Path,
    overrides: &[String],
) -> Result<Option<Box<dyn Simulation>>, Vec<Diagnostic>> {
    simulated(path, &read(path)?, overrides, true)
}

/// [`simulation`] of a text that stands at `path`.
///
/// The file of a target may still be missing: a simulation is what makes it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn simulation_of_text(
    path: &Path,
    text: &str,
    overrides: &[String],
) -> Result<Option<Box<dyn Simulation>>, Vec<Diagnostic>> {
    simulated(path, text, overrides, false)
}

fn simulated(
    path: &Path,
    text: &str,
    overrides: &[String],
    at_start: bool,
) -> Result<Option<Box<dyn Simulation>>, Vec<Diagnostic>> {
    let of = |document: Document| {
        let (domain, settings) = checked(document)?;
        let mut simulation = domain.simulation(&settings).transpose()?;
        if let (true, Some(simulation)) = (at_start, simulation.as_mut()) {
            general::start_from_parameters(simulation.as_mut(), &settings)?;
        }
        Ok(simulation)
    };
    let document = Document::parse(path, text, overrides)?;
    let without_targets =
        document.without_missing(&[general::TERM, general::GOAL], general::TARGET);
    match (of(document), without_targets) {
        // what is said of the whole file names what is missing
        (Err(problems), Some(rest)) => of(rest).map_err(|_| problems),
        (result, _) => result,
    }
}

/// [`load`] of a text that stands at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_text(path: &Path, text: &str, overrides: &[String]) -> Result<Loaded, Vec<Diagnostic>> {
    let (domain, settings) = checked(Document::parse(path, text, overrides)?)?;
    loaded(domain, settings)
}

/// What a kind makes of checked settings, with the optimizer and its seed.
fn loaded(domain: &'static Domain, settings: Settings) -> Result<Loaded, Vec<Diagnostic>> {
    check_name(settings.get(common::NAME)).map_err(|e| {
        let help = "it becomes a folder's name: letters, digits, spaces, `-`, `_`, `.`";
        let code = "cotangent::scenario::bad_name";
        vec![settings.problem(code, common::NAME, e.to_string(), help)]
    })?;
    let scenario = domain.load(&settings)?;
    let method = search::method(&settings);
    check_method(&settings, scenario.as_ref(), &method)?;
    let seed = settings.get(common::SEED) as u64;
    check_start(&settings, scenario.as_ref(), seed)?;
    check_restarts(&settings, scenario.as_ref(), &method)?;
    let stop = search::stop(&settings);
    Ok(Loaded { settings, scenario, domain, method, stop, seed })
}

/// Whether the objective gives what the method needs.
fn check_method(
    settings: &Settings,
    scenario: &dyn Scenario,
    method: &Method,
) -> Result<(), Vec<Diagnostic>> {
    let (needs, can) = (method.info(), scenario.capabilities());
    let refuse = |code, message: String, help: &str| {
        Err(vec![settings.problem(code, common::METHOD, message, help)])
    };
    // what cannot be differentiated has no residuals either, and is the reason
    let not_differentiable = scenario.not_differentiable();
    if let Some((name, why)) = not_differentiable.first()
        && (needs.needs_gradient || needs.needs_residuals)
    {
        let message = format!("`{name}` cannot be differentiated: {why}");
        let help = "use \"cma-es\", or leave it out";
        return refuse("cotangent::scenario::not_differentiable", message, help);
    }
    if needs.needs_residuals && can.residuals.is_none() {
        let message = format!("{} needs a sum of squares, which this scenario is not", needs.name);
        let help = "use \"lbfgsb\", or \"cma-es\" without gradients";
        return refuse(CONTRADICTION, message, help);
    }
    if needs.needs_stages {
        let flat = || NoStages::NoTrajectory("this kind of scenario has no motion".into());
        let stages = scenario.asked().map_or_else(|| Err(flat()), |a| a.stages().map(|_| ()));
        if let Err(why) = stages {
            let message = format!("{} goes by the stages of a trajectory: {why}", needs.name);
            let help = "\"lbfgsb\" takes any choice of inputs and terms";
            return refuse(CONTRADICTION, message, help);
        }
        if !settings.list(general::CONSTRAINT).is_empty() {
            let message = format!("{} does not work within constraints", needs.name);
            let help = "ask for it by a term `beyond` its range, or use \"lbfgsb\"";
            return refuse(CONTRADICTION, message, help);
        }
    }
    Ok(())
}

fn check_start(
    settings: &Settings,
    scenario: &dyn Scenario,
    seed: u64,
) -> Result<(), Vec<Diagnostic>> {
    scenario.space().check_start(&scenario.start(seed)).map_err(|e| {
        let help = "choose a start within the bounds";
        vec![settings.problem("cotangent::scenario::bad_start", common::SEED, e.to_string(), help)]
    })
}

/// Whether further searches begin at points of their own, within the bounds.
fn check_restarts(
    settings: &Settings,
    scenario: &dyn Scenario,
    method: &Method,
) -> Result<(), Vec<Diagnostic>> {
    let refuse = |key, code, message: String, help: &str| {
        Err(vec![settings.problem(code, key, message, help)])
    };
    let restarts = search::restarts(settings, |seed| scenario.start(seed));
    if !settings.is_given(common::RESTARTS) && restarts.until.abs() > 0.0 {
        let message = "`restarts.until` says when no further search begins, but none is allowed";
        let help = "set `restarts.most` to how many may follow the first, or remove it";
        return refuse(common::RESTARTS_UNTIL.any, CONTRADICTION, message.into(), help);
    }
    let first = scenario.start(settings.get(common::SEED) as u64);
    for start in &restarts.starts {
        if let Err(error) = scenario.space().check_start(&start.x) {
            let help = "choose a start, and a spread of it, within the bounds";
            let code = "cotangent::scenario::bad_start";
            return refuse(common::RESTARTS.any, code, error.to_string(), help);
        }
        if start.x == first && !matches!(method, Method::CmaEs(_)) {
            let message =
                "every search would begin at the same point, for no start depends on the seed";
            let help = "give a parameter a `spread`, by which the seed moves its start, or remove `restarts`";
            return refuse(common::RESTARTS.any, CONTRADICTION, message.into(), help);
        }
    }
    Ok(())
}

fn unknown_kind(document: &Document, kind: Option<&str>) -> Diagnostic {
    let kinds: Vec<&str> = DOMAINS.iter().map(|d| d.kind).collect();
    let all = format!("the kinds are: {}", kinds.join(", "));
    let (message, help) = match kind {
        Some(kind) => {
            let near = nearest(kind, kinds).map_or(all, |n| format!("did you mean \"{n}\"?"));
            (format!("there is no kind \"{kind}\""), near)
        }
        None => ("`scenario.kind` must be a text that names a kind".into(), all),
    };
    document.problem("cotangent::scenario::unknown_kind", common::KIND, message, help)
}

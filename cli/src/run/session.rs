//! One run from its start (or a checkpoint) to its report.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cotangent_optim::{Iteration, Method, Outcome, Problem, Run, Status, StepResult};
use cotangent_problem::Space;
use cotangent_problem::{Objective, SampleKey};

use super::checkpoint::{Answer, Checkpoint, SIMD, VERSION};
use super::folder::{self, write_whole};
use super::history::History;
use super::progress::Progress;
use super::signals::Signals;
use super::{Conclusion, Finished, HarnessError, Input, Job, Judge, Score, Summary};
use crate::report::{self, Record};

/// Iterations between checkpoints.
const CHECKPOINT_EVERY: usize = 10;

/// A run in progress.
pub struct Harness<'a> {
    problem: Problem<'a>,
    space: &'a Space,
    job: &'a Job,
    judge: &'a dyn Judge,
    folder: PathBuf,
    input: Input,
    run: Run,
    history: History,
    answer: Option<Answer>,
    initial: f64,
    earlier_s: f64,
    clock: Instant,
}

impl std::fmt::Debug for Harness<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What determines the run: the scenario, or the job itself where there is none.
fn input_of(job: &Job) -> Input {
    let own = || {
        let Job { name, method, start, seed, .. } = job;
        let resolved =
            format!("name = {name}\nmethod = {method:?}\nstart = {start:?}\nseed = {seed}\n");
        Input { resolved, ..Input::default() }
    };
    job.input.clone().unwrap_or_else(own)
}

impl<'a> Harness<'a> {
    /// Evaluates the start, makes the run folder and writes what is known.
    ///
    /// # Errors
    /// [`HarnessError`]; where the start has no value, no folder is made.
    pub fn start(
        objective: &'a dyn Objective,
        space: &'a Space,
        job: &'a Job,
        judge: &'a dyn Judge,
    ) -> Result<Self, HarnessError> {
        let problem = Problem { objective, space };
        let method = seeded(&job.method, job.seed);
        let run = Run::start(&problem, method, job.stop, &job.start, SampleKey(job.seed))?;
        let input = input_of(job);
        let hash = folder::input_hash(&input);
        let folder = folder::create(&job.name, job.folder.as_deref(), job.force, &hash)?;
        let harness = Self {
            initial: run.best(&problem).1,
            history: History::open(&folder, space, None)?,
            problem,
            space,
            job,
            judge,
            folder,
            input,
            run,
            answer: None,
            earlier_s: 0.0,
            clock: Instant::now(),
        };
        harness.write_inputs()?;
        Ok(harness)
    }

    /// Goes on from the checkpoint in `folder`.
    ///
    /// # Errors
    /// [`HarnessError`]: no checkpoint, or one of another scenario, version or SIMD level.
    pub fn resume(
        objective: &'a dyn Objective,
        space: &'a Space,
        job: &'a Job,
        judge: &'a dyn Judge,
        folder: &Path,
    ) -> Result<Self, HarnessError> {
        let input = input_of(job);
        let Checkpoint { mut run, answer, initial, rows, wall_s, .. } =
            Checkpoint::read(folder, &input)?;
        *run.stop_mut() = job.stop;
        Ok(Self {
            problem: Problem { objective, space },
            space,
            job,
            judge,
            history: History::open(folder, space, Some(rows))?,
            folder: folder.into(),
            input,
            run,
            answer,
            initial,
            earlier_s: wall_s,
            clock: Instant::now(),
        })
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn wall_s(&self) -> f64 {
        self.earlier_s + self.clock.elapsed().as_secs_f64()
    }

    fn write_inputs(&self) -> Result<(), HarnessError> {
        let Input { path, given, overrides, resolved, files } = &self.input;
        if self.job.input.is_some() {
            write_whole(&self.folder.join("scenario.toml"), given.as_bytes())?;
        }
        write_whole(&self.folder.join("resolved.toml"), resolved.as_bytes())?;
        let manifest = serde_json::json!({
            "name": self.job.name,
            "version": VERSION,
            "simd": SIMD,
            "threads": rayon::current_num_threads(),
            "seed": self.job.seed,
            "input_hash": folder::input_hash(&self.input),
            "scenario": path,
            "overrides": overrides,
            "files": files,
            "started": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        write_whole(&self.folder.join("manifest.json"), format!("{manifest:#}\n").as_bytes())
    }

    fn checkpoint(&self) -> Result<(), HarnessError> {
        let checkpoint = Checkpoint {
            version: VERSION.into(),
            simd: SIMD.into(),
            input: folder::input_hash(&self.input),
            run: &self.run,
            initial: self.initial,
            answer: self.answer.clone(),
            rows: self.history.rows.len(),
            wall_s: self.wall_s(),
        };
        checkpoint.write(&self.folder)
    }

    /// Keeps the iterate where it is the best so far, by score where there is one.
    fn consider(&mut self, it: &Iteration, score: Option<Score>) {
        let rank = score.map_or(it.value, |s| s.value);
        if !rank.is_finite() {
            return;
        }
        if self.answer.as_ref().is_none_or(|a| rank < a.rank) {
            let scored = score.is_some();
            self.answer = Some(Answer {
                iteration: it.index,
                x: it.x.clone(),
                value: it.value,
                rank,
                scored,
            });
        }
    }

    /// Iterates to the end, judges, draws and writes.
    ///
    /// # Errors
    /// [`HarnessError`]; what was computed until then is in the run folder.
    pub fn finish(mut self) -> Result<Summary, HarnessError> {
        let signals = Signals::listen();
        let mut progress = Progress::new(self.job.progress, self.job.stop.max_iterations);
        let outcome = loop {
            match self.run.step(&self.problem) {
                StepResult::Done(outcome) => break outcome,
                StepResult::Continue(it) => {
                    let score = self.judge.score(&it.x);
                    self.consider(&it, score);
                    let wall_s = self.wall_s();
                    self.history.push(self.space, &it, score, wall_s)?;
                    progress.show(&it, score);
                    if signals.received() != 0 {
                        break self.run.outcome(&self.problem, Status::Interrupted);
                    }
                    if it.index.is_multiple_of(CHECKPOINT_EVERY) {
                        self.checkpoint()?;
                    }
                }
            }
        };
        progress.finish();
        self.checkpoint()?;
        self.conclude(&outcome, signals.received())
    }

    fn conclude(&self, outcome: &Outcome, signal: i32) -> Result<Summary, HarnessError> {
        let answer = self.answer.clone().unwrap_or_else(|| Answer {
            iteration: 0,
            x: outcome.x.clone(),
            value: outcome.value,
            rank: outcome.value,
            scored: false,
        });
        if signal != 0 {
            return Ok(self.summary(outcome, &answer, &Conclusion::default(), signal));
        }
        self.write_answer(&answer)?;
        let finished = Finished {
            start: &self.job.start,
            start_value: self.initial,
            answer: &answer.x,
            answer_value: answer.value,
        };
        let judged = self.judge.conclude(&finished).map_err(HarnessError::Conclude)?;
        let summary = self.summary(outcome, &answer, &judged, signal);
        for (name, content) in &judged.artifacts {
            write_whole(&self.folder.join("artifacts").join(name), content)?;
        }
        let mut figures = judged.figures;
        let score = self.judge.score(finished.answer);
        let score = score.map(|s| format!("{} ({})", s.name.replace('_', " "), s.unit));
        figures.extend(report::history_figures(
            &self.history.trace_names,
            &self.history.rows,
            score.as_deref(),
        ));
        let record = Record { summary, figures, resolved: self.input.resolved.clone() };
        record.write(&self.folder)?;
        Ok(record.summary)
    }

    fn summary(
        &self,
        outcome: &Outcome,
        answer: &Answer,
        judged: &Conclusion,
        signal: i32,
    ) -> Summary {
        let met = if judged.criteria.is_empty() {
            outcome.status.is_success()
        } else {
            judged.criteria.iter().all(|c| c.met)
        };
        Summary {
            scenario: self.job.name.clone(),
            status: outcome.status.name().into(),
            advice: outcome.status.advice(),
            goal_met: met && signal == 0,
            criteria: judged.criteria.clone(),
            findings: judged.findings.clone(),
            warnings: judged.warnings.clone(),
            objective_initial: self.initial,
            objective_final: answer.value,
            score: answer.scored.then_some(answer.rank),
            answer_iteration: answer.iteration,
            iterations: outcome.iterations,
            evaluations: outcome.evaluations,
            gradient_evaluations: outcome.gradient_evaluations,
            failures: outcome.failures,
            wall_s: self.wall_s(),
            run_dir: self.folder.clone(),
            signal,
            failed: matches!(outcome.status, Status::Failed { .. }),
        }
    }

    /// The parameters of the answer by name, written before anything that may fail.
    fn write_answer(&self, answer: &Answer) -> Result<(), HarnessError> {
        let mut first = 0;
        let block = |p: &cotangent_problem::Parameter| {
            let value = &answer.x[first..first + p.len()];
            first += p.len();
            serde_json::json!({ "name": p.name, "unit": p.unit, "shape": p.shape, "value": value })
        };
        let parameters: Vec<_> = self.space.parameters().iter().map(block).collect();
        let text = format!("{:#}\n", serde_json::json!({ "parameters": parameters }));
        write_whole(&self.folder.join("artifacts").join("answer.json"), text.as_bytes())
    }
}

/// The method with the run's seed, where it samples.
fn seeded(method: &Method, seed: u64) -> Method {
    match method {
        Method::CmaEs(options) => Method::CmaEs(cotangent_optim::CmaEsOptions { seed, ..*options }),
        other => other.clone(),
    }
}

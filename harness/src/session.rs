//! One run from its start (or a checkpoint) to its report.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cotangent_optim::{Iteration, Method, Problem, Status};
use cotangent_problem::{Objective, SampleKey, Space};

use crate::answer::Answer;
use crate::checkpoint::{Checkpoint, VERSION};
use crate::folder::{Folder, probe};
use crate::gradcheck::{StartCheck, check_start};
use crate::history::History;
use crate::history_figures::history_figures;
use crate::manifest::{Manifest, now};
use crate::record::answer_file;
use crate::restarts::{Cost, Earlier, Settled, Start};
use crate::search::{Ended, Search, SearchStep};
use crate::signals::Signals;
use crate::whole_file::Safe;
use crate::{
    Conclusion, Finished, Found, HarnessError, Held, Input, Job, Judge, Limits, Note, Progress,
    Record, Score, Stage, Summary, simd,
};

/// Time between checkpoints. The clock decides when one is written, and nothing else.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);
/// What a run has computed before its first checkpoint: less is sooner made again than kept.
const CHECKPOINT_FIRST: Duration = Duration::from_secs(1);

/// The signal of Ctrl-C, as which a run counts that was stopped by who shows its progress.
const INTERRUPT: i32 = 2;

/// A run in progress.
pub struct Harness<'a> {
    problem: Problem<'a>,
    job: &'a Job,
    judge: &'a dyn Judge,
    folder: Folder,
    input: Input,
    run: Search,
    /// The searches before this one.
    earlier: Earlier,
    history: History,
    start_check: StartCheck,
    notes: Vec<Note>,
    answer: Option<Answer>,
    initial: f64,
    earlier_s: f64,
    clock: Instant,
    /// When a checkpoint is due.
    due: Instant,
    /// Whether the folder holds a result that the next iteration makes untrue.
    concluded: bool,
}

impl std::fmt::Debug for Harness<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl<'a> Harness<'a> {
    /// Evaluates the start, checks the gradient there, makes the run folder and writes what is known.
    ///
    /// # Errors
    /// [`HarnessError`]; where the start has no value, no folder is made.
    pub fn start(
        objective: &'a dyn Objective,
        space: &'a Space,
        job: &'a Job,
        judge: &'a dyn Judge,
        progress: &mut dyn Progress,
    ) -> Result<Self, HarnessError> {
        probe(&job.name, job.folder.as_deref(), job.force)?;
        let input = Input::of(job);
        let due = Instant::now() + CHECKPOINT_FIRST;
        let begun = begin(objective, space, job, judge.limits(), progress)?;
        let manifest = Manifest::new(job, &input);
        let folder = Folder::create(&job.name, job.folder.as_deref(), job.force, manifest)?;
        Self::new(Problem { objective, space }, job, judge, folder, input, begun, due)
    }

    fn new(
        problem: Problem<'a>,
        job: &'a Job,
        judge: &'a dyn Judge,
        mut folder: Folder,
        input: Input,
        (run, start_check): (Search, StartCheck),
        due: Instant,
    ) -> Result<Self, HarnessError> {
        write_input(&mut folder, &input, job)?;
        Ok(Self {
            initial: run.first_value(&problem),
            history: History::create(&folder, problem.space)?,
            problem,
            job,
            judge,
            folder,
            input,
            start_check,
            notes: first_notes(run.is_constrained()),
            run,
            earlier: Earlier::default(),
            answer: None,
            earlier_s: 0.0,
            clock: Instant::now(),
            due,
            concluded: false,
        })
    }

    /// Goes on from the checkpoint in `folder`; from the start, where the run was stopped before it could write one.
    ///
    /// # Errors
    /// [`HarnessError`]: no run, one that another process works on, or one of another scenario, version or SIMD level.
    pub fn resume(
        objective: &'a dyn Objective,
        space: &'a Space,
        job: &'a Job,
        judge: &'a dyn Judge,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Self, HarnessError> {
        let input = Input::of(job);
        let problem = Problem { objective, space };
        let mut folder = Folder::open(folder)?;
        let Some(checkpoint) = Checkpoint::read(folder.path(), &input, folder.manifest())? else {
            let due = Instant::now() + CHECKPOINT_FIRST;
            let begun = begin(objective, space, job, judge.limits(), progress)?;
            folder.note(|m| m.resumed.push(now()))?;
            return Self::new(problem, job, judge, folder, input, begun, due);
        };
        let Checkpoint {
            mut run,
            earlier,
            answer,
            initial,
            start_check,
            notes,
            history,
            wall_s,
            ..
        } = checkpoint;
        *run.stop_mut() = job.stop;
        let history = History::resume(folder.path(), space, &history)?;
        folder.note(|m| {
            m.resumed.push(now());
            m.overrides.clone_from(&input.overrides);
        })?;
        write_input(&mut folder, &input, job)?;
        Ok(Self {
            problem,
            job,
            judge,
            history,
            folder,
            input,
            run,
            earlier,
            start_check,
            notes,
            answer,
            initial,
            earlier_s: wall_s,
            clock: Instant::now(),
            due: Instant::now() + CHECKPOINT_EVERY,
            concluded: true,
        })
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn wall_s(&self) -> f64 {
        self.earlier_s + self.clock.elapsed().as_secs_f64()
    }

    /// Writes a checkpoint where one is due, or where it must be.
    fn checkpoint(&mut self, must: bool) -> Result<(), HarnessError> {
        if !must && Instant::now() < self.due {
            return Ok(());
        }
        let checkpoint = Checkpoint {
            version: VERSION.into(),
            simd: simd::level(),
            input: self.folder.manifest().input_hash.clone(),
            run: &self.run,
            earlier: self.earlier.clone(),
            initial: self.initial,
            start_check: self.start_check.clone(),
            notes: self.notes.clone(),
            answer: self.answer.clone(),
            history: self.history.mark(),
            wall_s: self.wall_s(),
        };
        if self.folder.safe() == Safe::FromPowerFailure {
            self.history.sync()?;
        }
        checkpoint.write(&self.folder)?;
        self.due = Instant::now() + CHECKPOINT_EVERY;
        Ok(())
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

    /// The iteration as one of the whole run: counted after those of the searches before, with what is to be noted of them.
    fn counted(&mut self, it: Iteration) -> Iteration {
        let Earlier { searches, cost, least, note, .. } = &mut self.earlier;
        if *searches == 0 {
            return it;
        }
        let notes = [note.take(), it.note].into_iter().flatten().collect::<Vec<_>>();
        Iteration {
            index: cost.iterations + it.index,
            best_value: least.map_or(it.best_value, |least| least.min(it.best_value)),
            evaluations: cost.evaluations + it.evaluations,
            gradient_evaluations: cost.gradient_evaluations + it.gradient_evaluations,
            failures: cost.failures + it.failures,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            ..it
        }
    }

    /// Takes note of one iteration, in memory and in the history.
    fn record(&mut self, it: &Iteration, score: Option<Score>) -> Result<(), HarnessError> {
        if std::mem::take(&mut self.concluded) {
            self.folder.withdraw_result()?;
        }
        if !self.run.is_constrained() {
            self.consider(it, score);
        }
        if let Some(text) = &it.note {
            self.notes.push(Note { iteration: it.index, text: text.clone() });
        }
        let wall_s = self.wall_s();
        self.history.push(self.problem.space, it, score, wall_s)
    }

    /// The answer of the present search, which has ended.
    fn settled(&self, ended: &Ended) -> Settled {
        let Ended { outcome, held } = ended;
        let is_constrained = self.run.is_constrained();
        let answer = self.answer.clone().unwrap_or_else(|| Answer {
            iteration: self.earlier.cost.iterations
                + if is_constrained { outcome.iterations } else { 0 },
            x: outcome.x.clone(),
            value: outcome.value,
            rank: if is_constrained && !outcome.status.is_success() {
                f64::INFINITY
            } else {
                outcome.value
            },
            scored: false,
        });
        Settled {
            search: self.earlier.searches,
            initial: self.initial,
            status: outcome.status.clone(),
            held: held.clone(),
            answer,
        }
    }

    /// Begins another search where the best answer so far is not good enough and a start is left; returns whether one began.
    fn restart(&mut self, ended: &Ended) -> bool {
        let best = self.settled(ended).or_better(self.earlier.best.clone());
        let restarts = &self.job.restarts;
        if best.answer.rank <= restarts.until {
            return false;
        }
        let most = restarts.starts.len() + 1;
        let what = if best.answer.scored { "score" } else { "objective" };
        let mut note = format!(
            "search {} of at most {most} ended with `{}`; the least {what} so far, {}, is above {}: the next search begins here",
            self.earlier.searches + 1,
            ended.outcome.status.name(),
            short(best.answer.rank),
            restarts.until
        );
        let constraints = self.judge.limits().map(|limits| limits.constraints);
        for (k, start) in restarts.starts.iter().enumerate().skip(self.earlier.searches) {
            let Start { seed, x } = start;
            let method = seeded(&self.job.method, *seed);
            let key = SampleKey(*seed);
            match Search::start(&self.problem, constraints, method, self.job.stop, x, key) {
                Ok(run) => {
                    let least = self.history.rows.last().map(|row| row.best);
                    let cost = self.earlier.cost.and(&ended.outcome);
                    self.earlier = Earlier {
                        searches: k + 1,
                        cost: Cost { iterations: cost.iterations + 1, ..cost },
                        least,
                        best: Some(best).filter(|best| best.answer.rank.is_finite()),
                        note: Some(note),
                    };
                    self.initial = run.first_value(&self.problem);
                    (self.run, self.answer) = (run, None);
                    return true;
                }
                Err(error) => {
                    let _ = write!(note, "; search {} could not begin: {error}", k + 2);
                }
            }
        }
        false
    }

    /// Iterates to the end, judges, and writes the record.
    ///
    /// # Errors
    /// [`HarnessError`]; what was computed until then is in the run folder.
    pub fn finish(mut self, progress: &mut dyn Progress) -> Result<Record, HarnessError> {
        let signals = Signals::listen();
        let constraints = self.judge.limits().map(|limits| limits.constraints);
        let ended = loop {
            let stopped = signals.received() != 0 || progress.is_stopped();
            self.checkpoint(stopped)?;
            if stopped {
                break self.run.ended(&self.problem, constraints, Status::Interrupted);
            }
            match self.run.step(&self.problem, constraints) {
                SearchStep::Done(ended) if self.restart(&ended) => self.due = Instant::now(),
                SearchStep::Done(ended) => break ended,
                SearchStep::Continue(it) => {
                    let it = self.counted(it);
                    let score = self.judge.score(&it.x);
                    self.record(&it, score)?;
                    progress.iteration(&it, score, &self.job.stop);
                }
            }
        };
        if ended.outcome.status != Status::Interrupted {
            self.checkpoint(true)?;
            // nothing is lost by stopping from here on: `resume` judges again
            signals.end_at_once();
        }
        // a signal between the last iteration and the line above
        let signal = match (signals.received(), &ended.outcome.status) {
            (0, Status::Interrupted) => INTERRUPT,
            (signal, _) => signal,
        };
        if signal == 0 {
            progress.stage(Stage::Judging, Some(self.folder.path()));
        }
        let record = self.conclude(&ended, signal);
        progress.stage(Stage::Over, None);
        record
    }

    fn conclude(mut self, ended: &Ended, signal: i32) -> Result<Record, HarnessError> {
        let mut settled = self.settled(ended).or_better(self.earlier.best.clone());
        if signal != 0 {
            settled.status = Status::Interrupted;
        }
        let cost = self.earlier.cost.and(&ended.outcome);
        let Settled { answer, .. } = &settled;
        let found = self.found(&settled);
        let resolved = self.input.resolved.clone();
        if signal != 0 {
            let judged = Conclusion::default();
            let summary = self.summary(&settled, cost, &judged, signal);
            let manifest = self.folder.manifest().clone();
            return Ok(Record { summary, found, figures: Vec::new(), resolved, manifest });
        }
        // written before anything that may fail
        self.folder.write(&[answer_file(&found)?])?;
        let finished = Finished {
            start: self.start_of(&settled),
            start_value: settled.initial,
            answer: &answer.x,
            answer_value: answer.value,
        };
        let judged = self.judge.conclude(&finished).map_err(HarnessError::Conclude)?;
        let score = self.judge.score(finished.answer);
        let score = score.map(|s| format!("{} ({})", s.name.replace('_', " "), s.unit));
        let found = with_errors(found, judged.standard_errors.as_deref());
        let summary = self.summary(&settled, cost, &judged, signal);
        let mut figures = judged.figures;
        let (names, rows) = (&self.history.trace_names, &self.history.rows);
        figures.extend(history_figures(names, rows, score.as_deref()));
        let artifacts: Vec<_> = judged
            .artifacts
            .into_iter()
            .map(|(name, content)| (format!("artifacts/{name}"), content))
            .collect();
        let manifest = self.folder.manifest().clone();
        let mut record = Record { summary, found, figures, resolved, manifest };
        // once more, for judging has measured the standard errors
        let errors = judged.standard_errors.is_some().then(|| answer_file(&record.found));
        let last: Vec<_> = errors.into_iter().collect::<Result<_, _>>()?;
        self.folder.finish(&[artifacts, last, record.files()?].concat())?;
        record.manifest.clone_from(self.folder.manifest());
        Ok(record)
    }

    /// The constraints with what was found of them.
    fn held(&self, settled: &Settled) -> Vec<Held> {
        let Some(Limits { constraints, units }) = self.judge.limits() else { return Vec::new() };
        let finite = |limit: f64| Some(limit).filter(|l| l.is_finite());
        let list = constraints.constraints().iter().zip(units).zip(&settled.held);
        list.map(|((c, unit), (value, multiplier))| Held {
            name: c.name.clone(),
            unit: unit.clone(),
            lower: finite(c.lower),
            upper: finite(c.upper),
            value: *value,
            multiplier: *multiplier,
        })
        .collect()
    }

    fn summary(&self, settled: &Settled, cost: Cost, judged: &Conclusion, signal: i32) -> Summary {
        let Settled { status, answer, .. } = settled;
        // what is reported and not judged is no goal: where nothing else is, the optimizer's own success is
        let judges = judged.criteria.iter().any(|c| c.met.is_some());
        let met = if judges {
            judged.criteria.iter().all(|c| c.met != Some(false))
        } else {
            status.is_success()
        };
        // an optimizer's own success rests on the gradient
        let wrong = self.start_check.warning();
        let met = met && (judges || wrong.is_none());
        // goals do not ask for the constraints: that these hold is what the search says of itself
        let met = met && (!self.run.is_constrained() || status.is_success());
        Summary {
            scenario: self.job.name.clone(),
            asked: self.job.asked.clone(),
            method: self.job.method.info().name.into(),
            status: status.name().into(),
            advice: status.advice(),
            goal_met: met && signal == 0,
            criteria: judged.criteria.clone(),
            findings: judged.findings.clone(),
            constraints: self.held(settled),
            warnings: wrong.into_iter().chain(judged.warnings.iter().cloned()).collect(),
            start_check: self.start_check.clone(),
            notes: self.notes.clone(),
            objective_initial: settled.initial,
            objective_final: answer.value,
            score: answer.scored.then_some(answer.rank),
            answer_iteration: answer.iteration,
            searches: self.earlier.searches + 1,
            iterations: cost.iterations,
            evaluations: cost.evaluations,
            gradient_evaluations: cost.gradient_evaluations,
            failures: cost.failures,
            wall_s: self.wall_s(),
            run_dir: self.folder.path().into(),
            signal,
            failed: matches!(status, Status::Failed { .. }),
        }
    }

    /// Where the search of an answer began.
    fn start_of(&self, settled: &Settled) -> &[f64] {
        let starts = &self.job.restarts.starts;
        settled.search.checked_sub(1).map_or(&self.job.start, |k| &starts[k].x)
    }

    /// The parameters of the answer by name.
    fn found(&self, settled: &Settled) -> Vec<Found> {
        let finite =
            |bounds: &[f64]| bounds.iter().map(|b| Some(*b).filter(|b| b.is_finite())).collect();
        let mut first = 0;
        let block = |p: &cotangent_problem::Parameter| {
            let entries = first..first + p.len();
            first = entries.end;
            Found {
                name: p.name.clone(),
                unit: p.unit.clone(),
                shape: p.shape.clone(),
                start: self.start_of(settled)[entries.clone()].to_vec(),
                value: settled.answer.x[entries].to_vec(),
                lower: finite(&p.lower),
                upper: finite(&p.upper),
                standard_error: None,
            }
        };
        self.problem.space.parameters().iter().map(block).collect()
    }
}

/// The parameters with the standard errors of their entries, which are one list for all.
fn with_errors(mut found: Vec<Found>, errors: Option<&[Option<f64>]>) -> Vec<Found> {
    let Some(mut rest) = errors else { return found };
    for parameter in &mut found {
        let (own, others) = rest.split_at(parameter.value.len().min(rest.len()));
        parameter.standard_error = Some(own.to_vec());
        rest = others;
    }
    found
}

/// Evaluates the start and checks the gradient there.
fn begin(
    objective: &dyn Objective,
    space: &Space,
    job: &Job,
    limits: Option<Limits>,
    progress: &mut dyn Progress,
) -> Result<(Search, StartCheck), HarnessError> {
    progress.stage(Stage::Start, None);
    let method = seeded(&job.method, job.seed);
    let gradient = method.info().needs_gradient || method.info().needs_residuals;
    let problem = Problem { objective, space };
    let constraints = limits.map(|limits| limits.constraints);
    let key = SampleKey(job.seed);
    let run = Search::start(&problem, constraints, method, job.stop, &job.start, key)?;
    let check = if gradient {
        check_start(objective, space, &job.start, job.seed)
    } else {
        StartCheck::NotChecked { why: "the optimizer uses no gradient".into() }
    };
    Ok((run, check))
}

/// A number to four digits.
fn short(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// What there is to know of a run before its first iteration.
fn first_notes(is_constrained: bool) -> Vec<Note> {
    let text = "constraints are kept by the method of multipliers: the values of the history are the objective with what the \
                constraints cost";
    is_constrained.then(|| Note { iteration: 0, text: text.into() }).into_iter().collect()
}

/// The scenario as given and as resolved, and the files that it names.
fn write_input(folder: &mut Folder, input: &Input, job: &Job) -> Result<(), HarnessError> {
    let mut files = vec![("resolved.toml".to_owned(), input.resolved.clone().into_bytes())];
    if job.input.is_some() && !folder.path().join("scenario.toml").exists() {
        files.push(("scenario.toml".to_owned(), input.given.clone().into_bytes()));
    }
    files.extend(input.files.iter().map(|f| (f.name.clone(), f.content.clone())));
    folder.write(&files)
}

/// The method with the run's seed, where it samples.
fn seeded(method: &Method, seed: u64) -> Method {
    match method {
        Method::CmaEs(options) => Method::CmaEs(cotangent_optim::CmaEsOptions { seed, ..*options }),
        other => other.clone(),
    }
}

//! The harness from the outside: what a run folder keeps, refuses and survives.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may panic, and compare bits")]

mod restarts;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cotangent_ad::{Num, value_and_grad};
use cotangent_harness::gradcheck::StartCheck;
use cotangent_harness::{
    Conclusion, Finished, Harness, HarnessError, Indifferent, Job, Judge, Manifest, Progress,
    Record, Score, folder, run,
};
use cotangent_optim::{
    AdamOptions, CmaEsOptions, Iteration, LbfgsbOptions, Method, NelderMeadOptions, Stop,
};
use cotangent_problem::{
    Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace,
};
use tempfile::TempDir;

/// Rosenbrock's valley with a gradient that is `factor` times what it should be; counts its evaluations.
struct Valley {
    factor: f64,
    evaluations: AtomicUsize,
}

impl Valley {
    fn new(factor: f64) -> Self {
        Self { factor, evaluations: AtomicUsize::new(0) }
    }
}

impl Objective for Valley {
    fn dim(&self) -> usize {
        2
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Capabilities::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        _: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        self.evaluations.fetch_add(1, Ordering::Relaxed);
        let (value, gradient) = value_and_grad(
            |x| {
                let bend = x[1] - x[0] * x[0];
                (-x[0] + 1.0).powi(2) + bend * bend * 100.0
            },
            x,
        );
        let gradient = gradient.iter().map(|g| g * self.factor).collect();
        Ok(Evaluation { value, gradient: Some(gradient), ..Evaluation::default() })
    }
}

fn space() -> Space {
    Space::new(vec![Parameter::vector("x", 2)]).unwrap()
}

fn job(folder: PathBuf, method: Method, max_iterations: usize) -> Job {
    let stop = Stop { max_iterations, ..Stop::default() };
    Job { folder: Some(folder), method, stop, ..Job::new("valley", &[-1.2, 1.0]) }
}

fn lbfgsb() -> Method {
    Method::Lbfgsb(LbfgsbOptions::default())
}

fn descend(folder: PathBuf, method: Method, max_iterations: usize) -> Record {
    run(&Valley::new(1.0), &space(), &job(folder, method, max_iterations), &mut ()).unwrap()
}

fn resume(folder: &Path, method: Method, max_iterations: usize) -> Result<Record, HarnessError> {
    let (valley, space) = (Valley::new(1.0), space());
    let job = job(folder.into(), method, max_iterations);
    Harness::resume(&valley, &space, &job, &Indifferent, folder, &mut ())?.finish(&mut ())
}

/// The history without its column of wall times.
fn history(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("history.csv")).unwrap();
    let timeless = |line: &str| {
        let fields = line.split(',').enumerate().filter(|(k, _)| *k != 9);
        fields.map(|(_, field)| field.to_owned()).collect()
    };
    text.lines().map(timeless).collect()
}

fn refusal<T>(found: Result<T, HarnessError>) -> String {
    found.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn overwriting_a_run_removes_its_own_files_and_no_others() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    descend(folder.clone(), lbfgsb(), 3);
    let mine = ["plots/mine.svg", "artifacts/mine.csv", "checkpoints/mine.json", "notes.txt"];
    for name in mine {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "mine").unwrap();
    }
    let again = job(folder.clone(), lbfgsb(), 0);
    let (valley, space) = (Valley::new(1.0), space());
    assert!(refusal(run(&valley, &space, &again, &mut ())).contains("overwrite it with --force"));
    let again = Job { force: true, ..again };
    let harness = Harness::start(&valley, &space, &again, &Indifferent, &mut ()).unwrap();
    assert!(!folder.join("result.json").exists() && !folder.join("artifacts/answer.json").exists());
    drop(harness);
    for name in mine {
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "mine");
    }
}

#[test]
fn a_folder_that_is_no_run_is_refused_even_with_force() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("site");
    fs::create_dir_all(folder.join("plots")).unwrap();
    // a web page has a manifest.json, too
    for (name, text) in [
        ("plots/a.svg", "a"),
        ("report.html", "b"),
        ("manifest.json", r#"{"name":"my page","files":["report.html"]}"#),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let job = Job { force: true, ..job(folder.clone(), lbfgsb(), 3) };
    let valley = Valley::new(1.0);
    assert!(refusal(run(&valley, &space(), &job, &mut ())).contains("not a run's"));
    assert_eq!(valley.evaluations.into_inner(), 0, "it is said before anything is computed");
    assert_eq!(fs::read_to_string(folder.join("plots/a.svg")).unwrap(), "a");
    assert_eq!(fs::read_to_string(folder.join("report.html")).unwrap(), "b");
}

#[test]
fn a_manifest_cannot_name_files_outside_of_its_folder() {
    let place = TempDir::new().unwrap();
    let (folder, outside) = (place.path().join("r"), place.path().join("precious.txt"));
    descend(folder.clone(), lbfgsb(), 3);
    fs::write(&outside, "precious").unwrap();
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let absolute = outside.display().to_string();
    let text = text.replace(
        "\"history.csv\"",
        &format!("\"history.csv\", \"../precious.txt\", \"./../precious.txt\", {absolute:?}"),
    );
    fs::write(&path, text).unwrap();
    let again = Job { force: true, ..job(folder, lbfgsb(), 3) };
    run(&Valley::new(1.0), &space(), &again, &mut ()).unwrap();
    assert_eq!(fs::read_to_string(outside).unwrap(), "precious");
}

#[test]
fn a_name_that_leads_elsewhere_is_refused_before_anything_is_computed() {
    for name in ["../../../escaped", "/abs", "", "..", "a/b"] {
        let valley = Valley::new(1.0);
        let job = Job::new(name, &[-1.2, 1.0]);
        let error = run(&valley, &space(), &job, &mut ()).unwrap_err();
        assert!(matches!(error, HarnessError::Name(_)), "{name:?}: {error}");
        assert_eq!(valley.evaluations.into_inner(), 0);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_anything_is_computed() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "no folder").unwrap();
    for asked in [file.clone(), file.join("r"), file.join("deep/r")] {
        assert!(matches!(
            folder::probe("valley", Some(&asked), false),
            Err(HarnessError::Io { .. })
        ));
        let valley = Valley::new(1.0);
        let error = run(&valley, &space(), &job(asked, lbfgsb(), 3), &mut ()).unwrap_err();
        assert!(matches!(error, HarnessError::Io { .. }), "{error}");
        assert_eq!(valley.evaluations.into_inner(), 0);
    }
    folder::probe("valley", Some(&place.path().join("new/and/deep")), false).unwrap();
    let entries = fs::read_dir(place.path()).unwrap().count();
    assert_eq!(entries, 1, "looking leaves nothing behind");
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    let (valley, space, asked) = (Valley::new(1.0), space(), job(folder.clone(), lbfgsb(), 9));
    let first = Harness::start(&valley, &space, &asked, &Indifferent, &mut ()).unwrap();
    assert!(refusal(resume(&folder, lbfgsb(), 9)).contains("another process is working"));
    let forced = Job { force: true, ..asked.clone() };
    assert!(refusal(run(&valley, &space, &forced, &mut ())).contains("another process"));
    first.finish(&mut ()).unwrap();
    resume(&folder, lbfgsb(), 9).unwrap();
}

#[test]
fn a_run_that_stopped_before_its_first_iteration_is_resumed_from_the_start() {
    let place = TempDir::new().unwrap();
    let (whole, parts) = (place.path().join("whole"), place.path().join("parts"));
    descend(whole.clone(), lbfgsb(), 9);
    let (valley, space, asked) = (Valley::new(1.0), space(), job(parts.clone(), lbfgsb(), 9));
    drop(Harness::start(&valley, &space, &asked, &Indifferent, &mut ()).unwrap());
    assert!(!folder_has_checkpoint(&parts));
    let record = resume(&parts, lbfgsb(), 9).unwrap();
    assert_eq!(history(&whole), history(&parts));
    assert_eq!(record.manifest.resumed.len(), 1);
}

#[test]
fn who_shows_the_progress_may_stop_a_run_that_then_goes_on_to_the_same_bits() {
    /// Stops after some iterations.
    struct Impatient(usize);
    impl Progress for Impatient {
        fn iteration(&mut self, _: &Iteration, _: Option<Score>, _: &Stop) {
            self.0 -= 1;
        }
        fn is_stopped(&mut self) -> bool {
            self.0 == 0
        }
    }
    let place = TempDir::new().unwrap();
    let (whole, parts) = (place.path().join("whole"), place.path().join("parts"));
    descend(whole.clone(), lbfgsb(), 9);
    let (valley, space) = (Valley::new(1.0), space());
    for _ in 0..2 {
        // twice in one process: what the first run left of its handlers must not stop the second
        let job = Job { force: true, ..job(parts.clone(), lbfgsb(), 9) };
        let stopped = run(&valley, &space, &job, &mut Impatient(4)).unwrap();
        // the start was told, too
        assert_eq!((stopped.summary.signal, stopped.summary.iterations), (2, 3));
        assert!(!stopped.summary.goal_met && !parts.join("result.json").exists());
    }
    resume(&parts, lbfgsb(), 9).unwrap();
    assert_eq!(history(&whole), history(&parts));
}

fn folder_has_checkpoint(folder: &Path) -> bool {
    cotangent_harness::checkpoint::path(folder).exists()
}

#[test]
fn every_method_judges_again_and_goes_on_to_the_same_bits() {
    for method in [
        lbfgsb(),
        Method::Adam(AdamOptions::default()),
        Method::CmaEs(CmaEsOptions::default()),
        Method::NelderMead(NelderMeadOptions::default()),
    ] {
        let place = TempDir::new().unwrap();
        let (whole, parts) = (place.path().join("whole"), place.path().join("parts"));
        let first = descend(whole.clone(), method.clone(), 40);
        descend(parts.clone(), method.clone(), 7);
        // stopped while it was judged
        fs::remove_file(parts.join("result.json")).unwrap();
        resume(&parts, method.clone(), 7).unwrap();
        let last = resume(&parts, method.clone(), 40).unwrap();
        assert_eq!(history(&whole), history(&parts), "{method:?}");
        assert_eq!(first.found, last.found, "{method:?}");
        assert_eq!(first.summary.status, last.summary.status, "{method:?}");
    }
}

#[test]
fn a_converged_run_that_is_judged_again_says_the_same() {
    for method in [lbfgsb(), Method::NelderMead(NelderMeadOptions::default())] {
        let place = TempDir::new().unwrap();
        let folder = place.path().join("r");
        let first = descend(folder.clone(), method.clone(), 2000);
        assert!(first.summary.goal_met, "{}", first.summary.status);
        let before = history(&folder);
        let again = resume(&folder, method.clone(), 2000).unwrap();
        assert_eq!(first.found, again.found, "{method:?}");
        assert_eq!(first.summary.status, again.summary.status, "{method:?}");
        assert_eq!(history(&folder), before, "{method:?}");
    }
}

/// Says how well one of two parameters is known.
struct HalfKnown;
impl Judge for HalfKnown {
    fn conclude(&self, _: &Finished) -> Result<Conclusion, String> {
        Ok(Conclusion { standard_errors: Some(vec![Some(0.25), None]), ..Conclusion::default() })
    }
}

#[test]
fn a_record_is_read_back_with_the_standard_errors_that_were_found() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    let (valley, space, job) = (Valley::new(1.0), space(), job(folder.clone(), lbfgsb(), 100));
    let run = Harness::start(&valley, &space, &job, &HalfKnown, &mut ()).unwrap();
    let record = run.finish(&mut ()).unwrap();
    let errors = record.found.iter().filter_map(|f| f.standard_error.clone()).flatten();
    assert_eq!(errors.collect::<Vec<_>>(), [Some(0.25), None]);
    assert_eq!(Record::read(&folder).unwrap().found, record.found);
}

/// A valley whose process ends in the midst of an iteration.
struct Breaks(Valley);
impl Objective for Breaks {
    fn dim(&self) -> usize {
        2
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        assert!(self.0.evaluations.load(Ordering::Relaxed) < 6, "broken");
        self.0.evaluate(x, want, key, ws)
    }
}

#[test]
fn a_result_does_not_stand_beside_a_longer_history() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    descend(folder.clone(), lbfgsb(), 3);
    assert!(folder.join("result.json").exists());
    let broken = std::panic::catch_unwind(|| {
        let (breaks, space) = (Breaks(Valley::new(1.0)), space());
        let job = job(folder.clone(), lbfgsb(), 500);
        let run = Harness::resume(&breaks, &space, &job, &Indifferent, &folder, &mut ());
        run.unwrap().finish(&mut ()).map(|_| ())
    });
    assert!(broken.is_err() && history(&folder).len() > 5);
    assert!(!folder.join("result.json").exists() && Record::read(&folder).is_err());
    let manifest = Manifest::read(&folder).unwrap().unwrap();
    assert!(manifest.finished.is_none());
    let record = resume(&folder, lbfgsb(), 500).unwrap();
    assert!(record.summary.goal_met && record.manifest.finished.is_some());
}

#[test]
fn a_history_that_was_cut_or_changed_is_not_continued() {
    let place = TempDir::new().unwrap();
    for (file, cut, says) in [
        ("history.csv", true, "history.csv has 4 whole lines where the checkpoint has 7"),
        ("history.csv", false, "history.csv was changed since the checkpoint"),
        ("events.jsonl", true, "events.jsonl has 4 whole lines where the checkpoint has 6"),
        ("events.jsonl", false, "events.jsonl was changed since the checkpoint"),
    ] {
        let folder = place.path().join(format!("{file}-{cut}"));
        descend(folder.clone(), lbfgsb(), 5);
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let wrong = if cut {
            let whole: String = text.split_inclusive('\n').take(4).collect();
            whole + "5,0.1"
        } else {
            text.replacen('1', "7", 1)
        };
        fs::write(&path, &wrong).unwrap();
        assert!(refusal(resume(&folder, lbfgsb(), 9)).contains(says));
        assert_eq!(fs::read_to_string(&path).unwrap(), wrong, "what is there stays");
        // rows beyond the checkpoint go: the run makes them again
        fs::write(&path, text + "6,0.5").unwrap();
        resume(&folder, lbfgsb(), 9).unwrap();
        assert_eq!(history(&folder).len(), 11);
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused_and_the_difference_named() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    descend(folder.clone(), lbfgsb(), 3);
    let elsewhere = Job { start: vec![0.0, 0.0], ..job(folder.clone(), lbfgsb(), 3) };
    let (valley, space) = (Valley::new(1.0), space());
    let other = Harness::resume(&valley, &space, &elsewhere, &Indifferent, &folder, &mut ());
    let said = refusal(other);
    assert!(said.contains("then `start = [-1.2, 1.0]`; now `start = [0.0, 0.0]`"), "{said}");
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let simd = cotangent_harness::simd::level();
    for (from, to, says) in [
        ("\"version\": \"", "\"version\": \"9.", "written by version 9."),
        (simd.as_str(), "pdp11 wide", "computed on SIMD level pdp11 wide, this is"),
    ] {
        assert!(text.contains(from));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert!(refusal(resume(&folder, lbfgsb(), 3)).contains(says), "{says}");
    }
    fs::write(&path, text).unwrap();
    let checkpoint = cotangent_harness::checkpoint::path(&folder);
    let mut bytes = fs::read(&checkpoint).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&checkpoint, bytes).unwrap();
    assert!(refusal(resume(&folder, lbfgsb(), 3)).contains("damaged"));
}

#[test]
fn a_run_goes_on_wherever_its_folder_is_moved_to() {
    let place = TempDir::new().unwrap();
    let (before, after) = (place.path().join("before"), place.path().join("deep/after"));
    descend(before.clone(), lbfgsb(), 3);
    fs::create_dir_all(after.parent().unwrap()).unwrap();
    fs::rename(&before, &after).unwrap();
    resume(&after, lbfgsb(), 500).unwrap();
    let record = Record::read(&after).unwrap();
    assert_eq!(record.summary.run_dir, after);
    assert!(record.summary.goal_met);
    for name in ["manifest.json", "result.json", "resolved.toml", "artifacts/answer.json"] {
        let text = fs::read_to_string(after.join(name)).unwrap();
        assert!(!text.contains(&place.path().display().to_string()), "{name}: {text}");
    }
}

#[test]
fn a_wrong_gradient_is_told_and_success_by_it_is_not_claimed() {
    let place = TempDir::new().unwrap();
    for (k, factor) in [1.1, 0.9, 0.0, -1.0, 1.002].into_iter().enumerate() {
        let valley = Valley::new(factor);
        let asked = job(place.path().join(k.to_string()), lbfgsb(), 200);
        let record = run(&valley, &space(), &asked, &mut ()).unwrap();
        let StartCheck::Disagrees { relative_error, .. } = record.summary.start_check else {
            panic!("{factor}: {:?}", record.summary.start_check)
        };
        let expected = (1.0 - factor).abs() / factor.abs().max(1.0);
        assert!((relative_error - expected).abs() < 1e-6, "{factor}: {relative_error}");
        assert!(!record.summary.goal_met);
        let [warning] = record.summary.warnings.as_slice() else { panic!() };
        assert!(warning.starts_with("the gradient at the start is wrong"), "{warning}");
    }
    let record = descend(place.path().join("right"), lbfgsb(), 200);
    let StartCheck::Agrees { relative_error, .. } = record.summary.start_check else { panic!() };
    assert!(relative_error < 1e-8 && record.summary.warnings.is_empty());
    assert!(record.summary.goal_met);
    // nobody's gradient is used
    let simplex = Method::NelderMead(NelderMeadOptions::default());
    let asked = job(place.path().join("simplex"), simplex, 200);
    let record = run(&Valley::new(0.0), &space(), &asked, &mut ()).unwrap();
    assert!(matches!(record.summary.start_check, StartCheck::NotChecked { .. }));
}

#[test]
fn the_check_at_the_start_stays_within_the_bounds() {
    /// `sum sqrt(x)`, which has no value below 0.
    struct Roots;
    impl Objective for Roots {
        fn dim(&self) -> usize {
            3
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities { gradient: true, ..Capabilities::default() }
        }
        fn evaluate(
            &self,
            x: &[f64],
            _: Want,
            _: SampleKey,
            _: &mut Workspace,
        ) -> Result<Evaluation, TrialFailure> {
            assert!(x.iter().all(|x| (1.0..=4.0).contains(x)), "{x:?}");
            let gradient = x.iter().map(|x| 0.5 / x.sqrt()).collect();
            let value = x.iter().map(|x| x.sqrt()).sum();
            Ok(Evaluation { value, gradient: Some(gradient), ..Evaluation::default() })
        }
    }
    let space = Space::new(vec![Parameter::vector("x", 3).within(1.0, 4.0)]).unwrap();
    for start in [[1.0, 4.0, 2.0], [1.0, 1.0, 4.0], [4.0, 4.0, 4.0], [1.001, 3.999, 1.0]] {
        let check = cotangent_harness::gradcheck::check_start(&Roots, &space, &start, 3);
        assert!(matches!(check, StartCheck::Agrees { .. }), "{start:?} {check:?}");
    }
}

#[test]
fn limits_that_were_raised_are_remembered() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    let input = |limit: &str| cotangent_harness::Input {
        given: "given".into(),
        overrides: vec![format!("stop.max_iterations={limit}")],
        resolved: format!("a = 1\nstop.max_iterations = {limit}\n"),
        files: Vec::new(),
    };
    let (valley, space) = (Valley::new(1.0), space());
    let asked = |limit: usize| Job {
        input: Some(input(&limit.to_string())),
        ..job(folder.clone(), lbfgsb(), limit)
    };
    run(&valley, &space, &asked(3), &mut ()).unwrap();
    let raised = asked(8);
    let harness = Harness::resume(&valley, &space, &raised, &Indifferent, &folder, &mut ());
    drop(harness.unwrap());
    // even where it was stopped at once
    let resolved = fs::read_to_string(folder.join("resolved.toml")).unwrap();
    assert!(resolved.contains("stop.max_iterations = 8"));
    let manifest = Manifest::read(&folder).unwrap().unwrap();
    assert_eq!(manifest.overrides, ["stop.max_iterations=8"]);
    assert_eq!(fs::read_to_string(folder.join("scenario.toml")).unwrap(), "given");
}

/// Set for a process of this test that judges until it is stopped.
const JUDGES: &str = "COTANGENT_TEST_JUDGES_IN";

#[cfg(unix)]
#[test]
fn the_first_interrupt_ends_the_judging_and_nothing_is_lost() {
    struct Endless;
    impl Judge for Endless {
        fn conclude(&self, _: &Finished) -> Result<Conclusion, String> {
            std::thread::sleep(std::time::Duration::from_secs(60));
            Err("nobody stopped it".into())
        }
    }
    if let Some(folder) = std::env::var_os(JUDGES) {
        let (valley, space, asked) = (Valley::new(1.0), space(), job(folder.into(), lbfgsb(), 9));
        let run = Harness::start(&valley, &space, &asked, &Endless, &mut ()).unwrap();
        run.finish(&mut ()).unwrap();
        return;
    }
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    let name = "the_first_interrupt_ends_the_judging_and_nothing_is_lost";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(JUDGES, &folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !folder.join("artifacts/answer.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it waits to be stopped");
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.join("result.json").exists());
    let record = resume(&folder, lbfgsb(), 9).unwrap();
    assert_eq!(record.found, descend(place.path().join("whole"), lbfgsb(), 9).found);
}

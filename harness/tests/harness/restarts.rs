//! Runs that search again from other starts.

use cotangent_harness::{Restarts, Start};

use super::*;

/// Two wells, `(x^2 - 1)^2 + x / 5 + 1`, the left one deeper; no value beyond 3.
struct Wells;

/// The bottom of the right well, and of the left one: the roots of `4 x^3 - 4 x + 1/5` there.
const SHALLOW: f64 = 0.973_994_353_231_277_8;
const DEEP: f64 = -1.024_120_300_215_050_3;

impl Objective for Wells {
    fn dim(&self) -> usize {
        1
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
        if x[0] > 3.0 {
            return Err(TrialFailure::OutOfDomain { why: "x is beyond 3".into() });
        }
        let slope = 4.0 * x[0].powi(3) - 4.0 * x[0] + 0.2;
        let value = (x[0] * x[0] - 1.0).powi(2) + x[0] / 5.0 + 1.0;
        Ok(Evaluation { value, gradient: Some(vec![slope]), ..Evaluation::default() })
    }
}

fn line() -> Space {
    Space::new(vec![Parameter::scalar("x")]).unwrap()
}

/// From the right: a start there, one without a value, one there again, one on the left, one that is not needed.
fn restarting(folder: PathBuf, until: f64) -> Job {
    let starts = [4.0, 1.3, -0.6, -2.0].into_iter().zip(1..);
    let starts = starts.map(|(x, seed)| Start { seed, x: vec![x] }).collect();
    let restarts = Restarts { until, starts };
    Job { folder: Some(folder), restarts, ..Job::new("wells", &[0.7]) }
}

/// A column of a history.
fn column(history: &[Vec<String>], name: &str) -> Vec<f64> {
    let k = history[0].iter().position(|n| n == name).unwrap();
    history[1..].iter().map(|row| row[k].parse().unwrap()).collect()
}

#[test]
fn searches_follow_each_other_until_the_answer_is_good_enough() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    let record = run(&Wells, &line(), &restarting(folder.clone(), 0.9), &mut ()).unwrap();
    let Record { summary, found, .. } = &record;
    // the second start has no value, the third falls where the first did, the fifth is not needed
    assert_eq!((summary.searches, found[0].start[0]), (4, -0.6));
    assert!((found[0].value[0] - DEEP).abs() < 1e-6, "{:?}", found[0].value);
    assert_eq!(summary.objective_initial, (0.36_f64 - 1.0).powi(2) - 0.6 / 5.0 + 1.0);
    assert!(summary.goal_met, "{}", summary.status);

    let rows = history(&folder);
    let iterations = column(&rows, "iteration");
    let counted: Vec<f64> = (0..iterations.len()).map(|k| k as f64).collect();
    assert_eq!(iterations, counted);
    for name in ["evaluations", "gradient_evaluations"] {
        let counts = column(&rows, name);
        assert!(counts.is_sorted_by(|a, b| a < b), "{name}: {counts:?}");
    }
    let best = column(&rows, "best");
    assert!(best.is_sorted_by(|a, b| a >= b), "{best:?}");
    let alone = |x| {
        let job = Job {
            folder: Some(place.path().join("alone")),
            force: true,
            ..Job::new("wells", &[x])
        };
        run(&Wells, &line(), &job, &mut ()).unwrap().summary.evaluations
    };
    assert_eq!(summary.evaluations, [0.7, 1.3, -0.6].map(alone).iter().sum::<u64>());
    assert_eq!(summary.iterations, iterations.len() - 1);

    // where each but the first began is noted, with what had no start
    let starts = column(&rows, "x");
    let noted: Vec<_> = record.summary.notes.iter().map(|n| starts[n.iteration]).collect();
    assert_eq!(noted, [1.3, -0.6]);
    let texts: Vec<_> = record.summary.notes.iter().map(|n| n.text.as_str()).collect();
    assert!(texts[0].starts_with("search 1 of at most 5 ended"), "{texts:?}");
    assert!(texts[0].contains("search 2 could not begin"), "{texts:?}");
    assert!(texts[1].starts_with("search 3 of at most 5 ended"), "{texts:?}");
}

#[test]
fn the_best_answer_stands_when_all_searches_are_made() {
    let place = TempDir::new().unwrap();
    let mut job = restarting(place.path().join("r"), 0.0);
    // the last search is one that falls into the shallow well
    job.restarts.starts.swap(0, 3);
    job.restarts.starts[2].x = vec![1.7];
    let summary = |job: &Job| run(&Wells, &line(), job, &mut ()).unwrap();
    let all = summary(&job);
    assert_eq!((all.summary.searches, all.found[0].start[0]), (4, -2.0));
    assert!((all.found[0].value[0] - DEEP).abs() < 1e-6, "{:?}", all.found[0].value);

    let job = Job { folder: Some(place.path().join("one")), restarts: Restarts::default(), ..job };
    let one = summary(&job);
    assert_eq!((one.summary.searches, one.summary.notes.len()), (1, 0));
    assert!((one.found[0].value[0] - SHALLOW).abs() < 1e-6, "{:?}", one.found[0].value);
}

/// The score is the distance from the bottom of the shallow well, which no objective would choose.
struct PrefersShallow;
impl Judge for PrefersShallow {
    fn score(&self, x: &[f64]) -> Option<Score> {
        Some(Score { name: "distance", unit: "", value: (x[0] - SHALLOW).abs() })
    }
}

#[test]
fn a_score_decides_where_there_is_one() {
    let place = TempDir::new().unwrap();
    let job = |until| Job { force: true, ..restarting(place.path().join("r"), until) };
    let searches = |until| {
        let (space, job) = (line(), job(until));
        let run = Harness::start(&Wells, &space, &job, &PrefersShallow, &mut ()).unwrap();
        run.finish(&mut ()).unwrap()
    };
    assert_eq!(searches(1e-3).summary.searches, 1);
    let all = searches(0.0);
    assert_eq!(all.summary.searches, 5);
    assert!((all.found[0].value[0] - SHALLOW).abs() < 1e-6, "{:?}", all.found[0].value);
}

/// Stops before some iteration.
struct StopsBefore(usize);
impl Progress for StopsBefore {
    fn iteration(&mut self, _: &Iteration, _: Option<Score>, _: &Stop) {
        self.0 -= 1;
    }
    fn is_stopped(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_run_that_is_stopped_anywhere_goes_on_to_the_same_searches() {
    let place = TempDir::new().unwrap();
    let whole = place.path().join("whole");
    let record = run(&Wells, &line(), &restarting(whole.clone(), 0.9), &mut ()).unwrap();
    for stop in 1..=record.summary.iterations {
        let parts = place.path().join(format!("parts-{stop}"));
        let (job, space) = (restarting(parts.clone(), 0.9), line());
        let stopped = run(&Wells, &space, &job, &mut StopsBefore(stop)).unwrap();
        assert_eq!((stopped.summary.status.as_str(), stopped.summary.signal), ("interrupted", 2));
        let run = Harness::resume(&Wells, &space, &job, &Indifferent, &parts, &mut ()).unwrap();
        let resumed = run.finish(&mut ()).unwrap();
        assert_eq!(history(&whole), history(&parts), "stopped before {stop}");
        assert_eq!(resumed.found, record.found, "stopped before {stop}");
        let facts =
            |r: &Record| (r.summary.searches, r.summary.evaluations, r.summary.notes.clone());
        assert_eq!(facts(&resumed), facts(&record), "stopped before {stop}");
    }
}

#[test]
fn a_folder_is_free_at_once_whatever_is_started_beside() {
    let place = TempDir::new().unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    let starts_processes = || {
        while !over.load(Ordering::Relaxed) {
            let _ = std::process::Command::new("true").status();
        }
    };
    let resumes = || {
        let folder = place.path().join("r");
        let (job, space) = (restarting(folder.clone(), 0.9), line());
        run(&Wells, &space, &job, &mut ())?;
        for _ in 0..200 {
            drop(Harness::resume(&Wells, &space, &job, &Indifferent, &folder, &mut ())?);
        }
        Ok::<_, HarnessError>(())
    };
    let ended = std::thread::scope(|scope| {
        let _starting = [scope.spawn(starts_processes), scope.spawn(starts_processes)];
        let ended = resumes();
        over.store(true, Ordering::Relaxed);
        ended
    });
    ended.unwrap();
}

#[test]
fn other_restarts_are_another_run() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("r");
    run(&Wells, &line(), &restarting(folder.clone(), 0.9), &mut ()).unwrap();
    let (job, space) = (restarting(folder.clone(), 0.5), line());
    let resumed = Harness::resume(&Wells, &space, &job, &Indifferent, &folder, &mut ());
    assert!(refusal(resumed).contains("restarts"));
}

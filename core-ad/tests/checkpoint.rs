//! Schedules carried out on paper: what they cost, and that they need no more memory than they say.

use std::path::Path;

use cotangent_ad::Schedule;
use cotangent_ad::checkpoint::{Action, mixed_steps, revolve_steps};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    State(usize),
    Tape(usize),
}

/// Carries a schedule out and returns the number of step evaluations.
fn simulate(schedule: Schedule, n: usize) -> u64 {
    let mut slots: Vec<Option<Kept>> = vec![None; schedule.slots(n)];
    let (mut at, mut evaluations, mut next) = (0, 0, n);
    for action in schedule.actions(n) {
        match action {
            Action::Advance { from, to } => {
                assert!(at == from && from < to);
                evaluations += (to - from) as u64;
                at = to;
            }
            Action::Store { state, slot } => {
                assert!(at == state && slots[slot].is_none());
                slots[slot] = Some(Kept::State(state));
            }
            Action::Restore { state, slot } => {
                assert_eq!(slots[slot], Some(Kept::State(state)));
                at = state;
            }
            Action::Reverse { step } => {
                assert!(at == step && step + 1 == next, "steps are reversed last to first");
                next = step;
                evaluations += 1;
            }
            Action::Tape { step, slot } => {
                assert!(at == step && slots[slot].is_none());
                slots[slot] = Some(Kept::Tape(step));
                evaluations += 1;
                at = step + 1;
            }
            Action::ReverseTaped { step, slot } => {
                assert_eq!(slots[slot], Some(Kept::Tape(step)));
                assert_eq!(step + 1, next, "steps are reversed last to first");
                next = step;
            }
            Action::Discard { slot } => assert!(slots[slot].take().is_some()),
        }
    }
    assert_eq!(next, 0, "every step was reversed");
    assert!(slots.iter().all(Option::is_none), "every slot was freed");
    evaluations
}

/// Exhaustive dynamic programming over all places of the next checkpoint.
fn optimum(most_steps: usize, most_slots: usize) -> Vec<Vec<u64>> {
    let mut cost = vec![vec![0; most_steps + 1]; most_slots + 1];
    for s in 1..=most_slots {
        for n in 1..=most_steps {
            let one_slot = (n * (n + 1) / 2) as u64;
            let split = |m: usize| m as u64 + cost[s - 1][n - m] + cost[s][m];
            let best = if s == 1 { None } else { (1..n).map(split).min() };
            cost[s][n] = if n == 1 { 1 } else { best.unwrap_or(one_slot) };
        }
    }
    cost
}

#[test]
fn revolve_and_its_prediction_are_optimal() {
    let cost = optimum(90, 9);
    for s in 1..=9 {
        for n in 1..=90 {
            let schedule = Schedule::Revolve { slots: s };
            assert_eq!(simulate(schedule, n), cost[s][n], "n {n} s {s}");
            assert_eq!(schedule.plan(n, 8).evaluations, cost[s][n], "n {n} s {s}");
        }
    }
}

/// `revolve_optimal.csv`: the closed form of Griewank & Walther (2000), agreeing with an exhaustive dynamic programme for
/// `n <= 120, s <= 12`; its columns `pkg_*` are numbers of the package checkpoint-schedules 1.0.4.
#[test]
fn every_row_of_the_table_of_optimal_counts_is_met() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/revolve_optimal.csv");
    let text = std::fs::read_to_string(path).expect("the table is part of the tests");
    let (mut rows, mut mixed) = (0, 0);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |k: usize| fields[k].parse::<u64>().expect("a count");
        let (n, slots) = (fields[0].parse().expect("steps"), fields[1].parse().expect("slots"));
        let schedule = Schedule::Revolve { slots };
        assert_eq!(revolve_steps(n, slots), number(4), "{line}");
        assert_eq!(simulate(schedule, n), number(4), "{line}");
        for k in (6..9).filter(|k| !fields[*k].is_empty()) {
            assert_eq!(revolve_steps(n, slots), number(k), "{line}");
        }
        rows += 1;
        if !fields[9].is_empty() {
            let schedule = Schedule::Mixed { slots };
            assert_eq!(mixed_steps(n, slots), number(9), "{line}");
            assert_eq!(simulate(schedule, n), number(9), "{line}");
            mixed += 1;
        }
    }
    assert_eq!((rows, mixed), (253, 93));
}

#[test]
fn mixed_never_costs_more_than_revolve() {
    for s in 1..=12 {
        for n in 0..=70 {
            let mixed = Schedule::Mixed { slots: s };
            let evaluations = simulate(mixed, n);
            assert_eq!(evaluations, mixed.plan(n, 8).evaluations);
            assert!(evaluations <= revolve_steps(n, s));
        }
    }
}

#[test]
fn storing_all_computes_each_step_twice_but_the_last() {
    for n in [0, 1, 2, 17] {
        assert_eq!(simulate(Schedule::StoreAll, n), Schedule::StoreAll.plan(n, 8).evaluations);
    }
}

#[test]
fn a_plan_prints_its_cost_before_the_run() {
    let plan = Schedule::Revolve { slots: 10 }.plan(100, 16);
    assert_eq!(
        plan.to_string(),
        "100 steps: 322 evaluations (3.22 a step), 10 states held (160 bytes)"
    );
    assert_eq!(Schedule::Mixed { slots: 10 }.plan(100, 16).evaluations, 237);
}

#[test]
#[should_panic(expected = "at least one slot")]
fn revolve_without_a_slot_panics() {
    let _ = Schedule::Revolve { slots: 0 }.actions(3).count();
}

#[test]
#[should_panic(expected = "at least one slot")]
fn mixed_without_a_slot_panics() {
    let _ = Schedule::Mixed { slots: 0 }.actions(3).count();
}

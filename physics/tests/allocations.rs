//! A step asks the system for no memory once its scratch has been used.

#![allow(clippy::unwrap_used, reason = "a test: it may end")]
#![expect(unsafe_code, reason = "an allocator that counts hands its calls on to the system's")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{forced_zoo, state};
use cotangent_physics::io::mjcf::read_mjcf;
use cotangent_physics::{Integrator, Model, Scratch, State, StepOptions, step};

thread_local! {
    /// Allocations of this thread; the harness has others.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is the system's, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller's.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of `steps` steps after as many.
fn allocations(model: &Model, options: &StepOptions, start: &State, steps: usize) -> usize {
    let (mut s, u) = (Scratch::new(model), vec![0.1; model.nu()]);
    let mut run = |steps: usize| {
        let mut now = start.clone();
        let before = COUNT.with(Cell::get);
        for _ in 0..steps {
            step(model, model.parameters(), options, &mut now, &u, &mut s);
        }
        assert!(now.q.iter().all(|q| q.is_finite()));
        COUNT.with(Cell::get) - before
    };
    assert!(run(steps) > 0, "the first steps lay the memory out");
    run(steps)
}

#[test]
fn a_step_allocates_nothing() {
    let fixed = [Integrator::Euler, Integrator::RungeKutta4, Integrator::ImplicitFast];
    let adaptive = Integrator::Adaptive { tolerance: 1e-5 };
    let integrators = [fixed.as_slice(), &[adaptive]].concat();
    let forced = forced_zoo();
    for &integrator in &integrators {
        let options = StepOptions { dt: 0.002, integrator };
        assert_eq!(allocations(&forced, &options, &state(&forced, 3), 5), 0, "{integrator:?}");
    }
    // actuators with activation, spatial tendons under constraints, a walker in contact
    let walker = include_str!("../../bench/models/runner.xml");
    for text in [include_str!("data/actuators.xml"), include_str!("data/tendons.xml"), walker] {
        let read = read_mjcf(text).unwrap();
        for &integrator in &integrators {
            // a walker in many contacts takes many parts
            let steps = if integrator == adaptive { 20 } else { 150 };
            let options = StepOptions { integrator, ..read.options };
            let start = State::at_reference(&read.model);
            let count = allocations(&read.model, &options, &start, steps);
            assert_eq!(count, 0, "{:?}, {integrator:?}", read.name);
        }
    }
}

//! The objective that a simulation and terms make, against differences, in every mode.

use std::sync::Arc;

use cotangent_ad::Real;
use cotangent_ad::program::Traced;
use cotangent_ad::random::Stream;
use cotangent_problem::{
    Asked, Choice, ChoiceError, Closure, Combination, Combined, Cost, Free, Joined, Keep,
    Linearised, Loss, Map, MapError, Misfit, Objective, Parameter, Part, Quantity, SampleKey,
    Simulation, Term, TrialFailure, Values, Want, Workspace,
};

/// Three inputs, two outputs, with a branch.
fn model<R: Real>(x: &[R]) -> Vec<R> {
    let sum = x[0] * x[1] + x[2].sin();
    let bent = if sum > R::lit(0.5) { sum * sum } else { sum - 0.25 };
    vec![bent, x[3] * x[1].exp(), x[2] * x[3], sum.cos() * x[0]]
}

fn simulation() -> Closure {
    let inputs = vec![
        Quantity::input("pair", "m", &[2], vec![0.4, 0.9]),
        Quantity::scalar("angle", "rad", 0.3),
        Quantity::scalar("held", "kg", 1.5),
    ];
    let outputs =
        vec![Quantity::output("bent", "m", &[]), Quantity::output("vector", "N", &[3]).vectors()];
    Closure::new(inputs, outputs, |x: &[Traced]| model(x))
}

/// Both entries of `pair` share one number; `angle` has its own; `held` is held.
fn choice(simulation: &dyn Simulation) -> Choice {
    let shared = Free {
        parameter: Parameter::scalar("shared"),
        start: vec![0.8],
        spread: 0.0,
        sets: vec![vec![(0, 0), (0, 1)]],
    };
    let angle = Free::whole(1, &simulation.inputs()[1]);
    Choice::new(simulation, vec![shared, angle]).expect("a choice")
}

fn terms() -> Vec<Term> {
    let distance = Term {
        group: 3,
        misfit: Misfit::Distance { tolerance: 0.2 },
        weights: vec![2.0],
        ..Term::difference("distance", vec![1, 2, 3], vec![0.1, -0.4, 2.0], 0.5)
    };
    vec![Term::difference("bent", vec![0], vec![1.3], 0.1), distance]
}

fn asked(terms: Vec<Term>) -> Asked {
    let simulation = Arc::new(simulation());
    let choice = choice(simulation.as_ref());
    Asked::new(simulation, choice, &[0, 1], terms, true).expect("an objective")
}

fn value(asked: &Asked, x: &[f64]) -> f64 {
    asked.evaluate(x, Want::VALUE, SampleKey(0), &mut Workspace::new()).expect("a value").value
}

const X: [f64; 2] = [0.8, 0.35];

#[test]
fn gradient_and_hessian_products_are_those_of_differences_on_both_sides_of_a_branch() {
    for (x, loss) in [(X, Loss::Square), (X, Loss::Huber), ([0.3, 0.1], Loss::Square)] {
        let asked = asked(terms().into_iter().map(|t| Term { loss, ..t }).collect());
        let gradient = |x: &[f64]| {
            let found = asked.evaluate(x, Want::GRADIENT, SampleKey(0), &mut Workspace::new());
            found.unwrap().gradient.unwrap()
        };
        let direction = [0.6, -0.8];
        let product = asked.hvp(&x, &direction, SampleKey(0), &mut Workspace::new()).unwrap();
        let moved = |h: f64| [x[0] + h * direction[0], x[1] + h * direction[1]];
        let h = 1e-5;
        let (above, below) = (gradient(&moved(h)), gradient(&moved(-h)));
        let slope: f64 = gradient(&x).iter().zip(direction).map(|(g, d)| g * d).sum();
        let difference = (value(&asked, &moved(h)) - value(&asked, &moved(-h))) / (2.0 * h);
        assert!((slope - difference).abs() < 1e-7 * slope.abs().max(1.0));
        for k in 0..2 {
            let difference = (above[k] - below[k]) / (2.0 * h);
            assert!((product[k] - difference).abs() < 1e-6 * difference.abs().max(1.0));
        }
    }
}

#[test]
fn the_jacobian_is_the_same_forward_and_reverse_and_gives_the_gradient() {
    // two free numbers: two residuals go forward, one goes in reverse
    for count in [1, 2] {
        let asked = asked(terms().split_off(2 - count));
        let want = Want { gradient: true, ..Want::JACOBIAN };
        let found = asked.evaluate(&X, want, SampleKey(0), &mut Workspace::new()).unwrap();
        let (r, j) = (found.residuals.unwrap(), found.jacobian.unwrap());
        assert_eq!((r.len(), j.len()), (count, 2 * count));
        assert!((found.value - 0.5 * r.iter().map(|r| r * r).sum::<f64>()).abs() < 1e-13);
        for (k, g) in found.gradient.unwrap().iter().enumerate() {
            let sum: f64 = (0..count).map(|i| r[i] * j[2 * i + k]).sum();
            assert!((sum - g).abs() < 1e-12 * g.abs().max(1.0));
        }
    }
}

#[test]
fn what_is_not_a_sum_of_squares_has_no_residuals() {
    let absolute = terms().into_iter().map(|t| Term { loss: Loss::Absolute, ..t }).collect();
    let asked = asked(absolute);
    assert_eq!(asked.capabilities().residuals, None);
    let refused = asked.evaluate(&X, Want::JACOBIAN, SampleKey(0), &mut Workspace::new());
    assert!(matches!(refused, Err(TrialFailure::Contract(_))));
    let short = asked.evaluate(&[1.0], Want::VALUE, SampleKey(0), &mut Workspace::new());
    assert!(matches!(short, Err(TrialFailure::Contract(_))));
}

#[test]
fn an_entry_follows_one_number_only_and_a_value_has_its_length() {
    let mut simulation = simulation();
    let twice = vec![
        Free::whole(0, &simulation.inputs()[0]),
        Free { parameter: Parameter::scalar("again"), ..choice(&simulation).free()[0].clone() },
    ];
    let refused = Choice::new(&simulation, twice).unwrap_err();
    assert!(matches!(refused, ChoiceError::Twice { entry: 0, .. }), "{refused}");
    assert!(matches!(simulation.fix(0, &[1.0]), Err(MapError::Value { .. })));
    assert!(matches!(simulation.fix(1, &[f64::NAN]), Err(MapError::Value { .. })));
    assert!(matches!(simulation.fix(7, &[1.0]), Err(MapError::Index { .. })));
    simulation.fix(2, &[2.5]).unwrap();
    assert_eq!(simulation.inputs()[2].value, [2.5]);
}

/// `y = x^2` measured with noise of standard deviation 0.3 on value and 0.5 on slope.
#[derive(Clone, Debug)]
struct Noisy(Vec<Quantity>, Vec<Quantity>);

struct NoisyMap;

struct NoisyRun(Values, f64);

impl Simulation for Noisy {
    fn inputs(&self) -> &[Quantity] {
        &self.0
    }
    fn outputs(&self) -> &[Quantity] {
        &self.1
    }
    fn fix(&mut self, _: usize, _: &[f64]) -> Result<(), MapError> {
        Ok(())
    }
    fn map(self: Arc<Self>, _: &[usize], _: &[usize], _: bool) -> Result<Box<dyn Map>, MapError> {
        Ok(Box::new(NoisyMap))
    }
}

impl Map for NoisyMap {
    fn input_len(&self) -> usize {
        1
    }
    fn output_len(&self) -> usize {
        1
    }
    fn plan(&self, _: Keep) -> Cost {
        Cost::default()
    }
    fn is_stochastic(&self) -> bool {
        true
    }
    fn run<'a>(
        &'a self,
        x: &[f64],
        _: Keep,
        key: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let noise = Stream::new(&[key.0]).normal(0);
        let values = Values {
            entries: vec![x[0] * x[0] + 0.3 * noise],
            standard_errors: Some(vec![0.3]),
            ..Values::default()
        };
        Ok(Box::new(NoisyRun(values, 2.0 * x[0] + 0.5 * noise)))
    }
}

impl Linearised for NoisyRun {
    fn values(&self) -> &Values {
        &self.0
    }
    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        Ok(cotangents.iter().map(|c| vec![c[0] * self.1]).collect())
    }
    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        self.pullback(tangents)
    }
}

#[test]
fn value_and_gradient_of_a_noisy_square_have_the_expectations_of_the_exact_ones() {
    let simulation =
        Noisy(vec![Quantity::scalar("x", "", 1.0)], vec![Quantity::output("y", "", &[])]);
    let choice = Choice::new(&simulation, vec![Free::whole(0, &simulation.0[0])]).unwrap();
    let term = Term::difference("t", vec![0], vec![2.0], 1.0);
    let asked = Asked::new(Arc::new(simulation), choice, &[0], vec![term], true).unwrap();
    let n = 40_000;
    let (mut value, mut gradient) = (0.0, 0.0);
    for k in 0..n {
        let key = SampleKey(0).child("sample", k);
        let found = asked.evaluate(&[1.5], Want::GRADIENT, key, &mut Workspace::new()).unwrap();
        value += found.value / n as f64;
        gradient += found.gradient.unwrap()[0] / n as f64;
    }
    // exact: 1/2 (2.25 - 2)^2 and (2.25 - 2) 3; the same draw for both would add 0.15 to the gradient, and without the
    // correction the value would be 0.045 too large. Four standard errors of 40 000 samples each.
    assert!((value - 0.03125).abs() < 4.0 * 0.098 / 200.0, "{value}");
    assert!((gradient - 0.75).abs() < 4.0 * 0.92 / 200.0, "{gradient}");
}

#[test]
fn a_combination_of_outputs_is_an_output_with_its_derivatives() {
    let part = |output, entry, weight| Part { output, entry, weight };
    let single = Combination {
        name: "combination.gap".into(),
        parts: vec![part(1, Some(2), 2.0), part(1, Some(0), -0.5)],
    };
    let whole = Combination { name: "combination.twice".into(), parts: vec![part(1, None, 2.0)] };
    let other = Combination {
        name: "combination.wrong".into(),
        parts: vec![part(0, None, 1.0), part(1, Some(0), 1.0)],
    };
    let refused = Combined::new(Box::new(simulation()), vec![other]);
    assert!(matches!(refused, Err(MapError::Value { .. })), "metres and newtons");
    let empty = Combination { name: "combination.none".into(), parts: Vec::new() };
    assert!(Combined::new(Box::new(simulation()), vec![empty]).is_err());
    let combined = Combined::new(Box::new(simulation()), vec![single, whole]).expect("an output");
    assert_eq!(combined.outputs()[2].unit, "N");
    assert!(combined.outputs()[3].is_vector);
    let map = Arc::new(combined).map(&[0, 1], &[2, 0, 3], true).expect("a map");
    let x = [0.4, 0.9, 0.3];
    let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).expect("a run");
    let right = |x: &[f64]| {
        let y = model(&[x[0], x[1], x[2], 1.5]);
        vec![2.0 * y[3] - 0.5 * y[1], y[0], 2.0 * y[1], 2.0 * y[2], 2.0 * y[3]]
    };
    assert_eq!(run.values().entries, right(&x));
    let (y_bar, x_dot) = ([0.3, -1.0, 0.7, 0.2, -0.4], [0.5, -0.2, 1.1]);
    let moved = |t: f64| right(&[0, 1, 2].map(|k| x[k] + t * x_dot[k]));
    let y_dot = run.pushforward(&[&x_dot]).expect("a tangent").remove(0);
    for ((found, up), down) in y_dot.iter().zip(moved(1e-5)).zip(moved(-1e-5)) {
        assert!((found - (up - down) / 2e-5).abs() < 1e-8);
    }
    let x_bar = run.pullback(&[&y_bar]).expect("a cotangent").remove(0);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((product(&x_bar, &x_dot) - product(&y_bar, &y_dot)).abs() < 1e-13);
    assert!(run.pullback(&[&y_bar[..4]]).is_err());
}

#[test]
fn joined_simulations_share_what_they_are_told_to_and_nothing_else() {
    let members = || -> Vec<(String, Box<dyn Simulation>)> {
        vec![("part.a".into(), Box::new(simulation())), ("part.b".into(), Box::new(simulation()))]
    };
    let mut joined = Joined::new(members(), |name| name == "angle").expect("joined");
    let names: Vec<&str> = joined.inputs().iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["part.a.pair", "angle", "part.a.held", "part.b.pair", "part.b.held"]);
    joined.fix(4, &[0.7]).expect("a mass");
    // outputs of both in another order than theirs: b.vector, a.bent
    let map = Arc::new(joined).map(&[1, 3, 0], &[3, 0], true).expect("a map");
    let work = map.plan(Keep::Values).work;
    assert!(work.starts_with("2 times a function of"), "{work}");
    let x = [0.3, 0.5, -0.4, 0.4, 0.9];
    let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).expect("a run");
    let right = |x: &[f64]| {
        let (a, b) = (model(&[x[3], x[4], x[0], 1.5]), model(&[x[1], x[2], x[0], 0.7]));
        vec![b[1], b[2], b[3], a[0]]
    };
    for (found, wanted) in run.values().entries.iter().zip(right(&x)) {
        assert!((found - wanted).abs() < 1e-14, "{found} for {wanted}");
    }
    let (y_bar, x_dot) = ([0.3, -1.0, 0.7, 0.2], [0.5, -0.2, 1.1, 0.4, -0.6]);
    let moved = |t: f64| right(&[0, 1, 2, 3, 4].map(|k| x[k] + t * x_dot[k]));
    let y_dot = run.pushforward(&[&x_dot]).expect("a tangent").remove(0);
    for ((found, up), down) in y_dot.iter().zip(moved(1e-5)).zip(moved(-1e-5)) {
        assert!((found - (up - down) / 2e-5).abs() < 1e-8);
    }
    let x_bar = run.pullback(&[&y_bar]).expect("a cotangent").remove(0);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((product(&x_bar, &x_dot) - product(&y_bar, &y_dot)).abs() < 1e-13);
    let mut other = members();
    let mass = Quantity::scalar("angle", "kg", 0.3);
    let strange =
        Closure::new(vec![mass], vec![Quantity::output("y", "", &[])], |x: &[Traced]| vec![x[0]]);
    other.push(("part.c".into(), Box::new(strange)));
    assert!(matches!(Joined::new(other, |name| name == "angle"), Err(MapError::Value { .. })));
}

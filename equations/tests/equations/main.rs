//! Models as text against closed forms, central differences and each other's modes; and what is wrong with a text.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test that unwraps fails, and exact numbers are exact"
)]

mod bends;
mod switches;

use std::sync::Arc;

use cotangent_ad::ode::{Method, Options};
use cotangent_equations::{
    Definition, Description, EquationsSimulation, Event, Experiment, Model, ModelError, Problem,
    State,
};
use cotangent_problem::{Keep, Map, Quantity, SampleKey, Simulation, TrialFailure, Workspace};

/// Names with values and units, `name = value unit`; a start may be an expression.
#[derive(Clone, Default)]
struct Text {
    time: &'static str,
    parameters: Vec<(&'static str, f64, &'static str)>,
    states: Vec<(&'static str, &'static str, &'static str)>,
    definitions: Vec<(&'static str, &'static str)>,
    equations: Vec<(&'static str, &'static str)>,
    events: Vec<Event>,
}

impl Text {
    fn description(&self) -> Description {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let state = |(name, start, unit): &(&str, &str, &str)| {
            let value = start.parse::<f64>();
            let quantity = Quantity::scalar(*name, unit, *value.as_ref().unwrap_or(&0.0));
            State { quantity, start: value.is_err().then(|| (*start).to_owned()) }
        };
        let definition = |(name, expression): &(&str, &str)| Definition {
            name: (*name).into(),
            expression: (*expression).into(),
            ..Definition::default()
        };
        Description {
            own_units: vec!["person".into()],
            time_unit: self.time.into(),
            parameters: self
                .parameters
                .iter()
                .map(|(n, v, u)| Quantity::scalar(*n, u, *v))
                .collect(),
            states: self.states.iter().map(state).collect(),
            definitions: self.definitions.iter().map(definition).collect(),
            equations: self.equations.iter().map(owned).collect(),
            events: self.events.clone(),
        }
    }

    fn simulation(&self, times: &[f64], options: Options) -> Arc<EquationsSimulation> {
        let model = Model::new(&self.description()).unwrap_or_else(|e| panic!("{e:?}"));
        let course = Experiment { times: times.to_vec(), ..Experiment::default() };
        Arc::new(EquationsSimulation::new(model, vec![course], options).unwrap())
    }

    fn errors(&self) -> Vec<ModelError> {
        match Model::new(&self.description()) {
            Err(errors) => errors,
            Ok(model) => {
                let course = Experiment { times: vec![1.0], ..Experiment::default() };
                let made = EquationsSimulation::new(model, vec![course], Options::default());
                made.map_or_else(|e| e, |_| Vec::new())
            }
        }
    }
}

fn when(label: &str, when: &str, set: &[&str]) -> Event {
    let set = set.iter().map(|s| (*s).to_owned()).collect();
    Event { label: label.into(), when: Some(when.into()), set, ..Event::default() }
}

fn at(label: &str, at: &[&str], set: &[&str]) -> Event {
    let owned = |texts: &[&str]| texts.iter().map(|s| (*s).to_owned()).collect();
    Event { label: label.into(), at: owned(at), set: owned(set), ..Event::default() }
}

fn options(relative: f64) -> Options {
    Options { relative, absolute: 1e-3 * relative, ..Options::default() }
}

/// Positions of names.
fn places(all: &[Quantity], names: &[&str]) -> Vec<usize> {
    let place =
        |n: &&str| all.iter().position(|q| q.name == **n).unwrap_or_else(|| panic!("no {n}"));
    names.iter().map(place).collect()
}

/// Values of outputs at the inputs' present values, and the Jacobian, a row an output entry. The modes are compared on the way:
/// forwards, the adjoint, central differences, and second derivatives against differences of first ones.
fn checked(
    simulation: &Arc<EquationsSimulation>,
    inputs: &[&str],
    outputs: &[&str],
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (free, asked) =
        (places(simulation.inputs(), inputs), places(simulation.outputs(), outputs));
    let map = Arc::clone(simulation).map(&free, &asked, true).unwrap();
    let x: Vec<f64> = free.iter().map(|k| simulation.inputs()[*k].value[0]).collect();
    let (values, rows) = jacobian(map.as_ref(), &x, Keep::Linearisation);
    let (plain, by_adjoint) = jacobian(map.as_ref(), &x, Keep::Values);
    assert_eq!(values, plain, "values do not depend on what is kept");
    let far =
        |a: f64, b: f64, tolerance: f64| (a - b).abs() > tolerance * (1.0 + a.abs().max(b.abs()));
    for (row, other) in rows.iter().zip(&by_adjoint) {
        for (a, b) in row.iter().zip(other) {
            assert!(!far(*a, *b, 1e-9), "forwards {a}, adjoint {b}");
        }
    }
    for j in 0..x.len() {
        let h = 1e-5 * (1.0 + x[j].abs());
        let moved = |s: f64| {
            let mut x = x.clone();
            x[j] += s * h;
            jacobian(map.as_ref(), &x, Keep::Linearisation)
        };
        let ((up, rows_up), (down, rows_down)) = (moved(1.0), moved(-1.0));
        for k in 0..values.len() {
            let difference = (up[k] - down[k]) / (2.0 * h);
            assert!(!far(rows[k][j], difference, 2e-6), "{k} by {j}: {} {difference}", rows[k][j]);
        }
        let weights: Vec<f64> = (0..values.len()).map(|k| 1.0 / (1.0 + k as f64)).collect();
        let direction: Vec<f64> = (0..x.len()).map(|k| f64::from(u8::from(k == j))).collect();
        let run = map.run(&x, Keep::Linearisation, SampleKey(0), &mut Workspace::new()).unwrap();
        let second = run.second(&weights, &direction).unwrap().unwrap();
        let sum = |rows: &[Vec<f64>], i: usize| {
            rows.iter().zip(&weights).map(|(r, w)| r[i] * w).sum::<f64>()
        };
        for (i, s) in second.iter().enumerate() {
            let difference = (sum(&rows_up, i) - sum(&rows_down, i)) / (2.0 * h);
            assert!(!far(*s, difference, 2e-5), "second {i}, {j}: {s} {difference}");
        }
    }
    (values, rows)
}

fn jacobian(map: &dyn Map, x: &[f64], keep: Keep) -> (Vec<f64>, Vec<Vec<f64>>) {
    let run =
        map.run(x, keep, SampleKey(0), &mut Workspace::new()).unwrap_or_else(|e| panic!("{e}"));
    let m = map.output_len();
    let unit = |k: usize| (0..m).map(|i| f64::from(u8::from(i == k))).collect::<Vec<f64>>();
    let units: Vec<Vec<f64>> = (0..m).map(unit).collect();
    let cotangents: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
    (run.values().entries.clone(), run.pullback(&cotangents).unwrap())
}

fn failure(simulation: &Arc<EquationsSimulation>, output: &str) -> TrialFailure {
    let asked = places(simulation.outputs(), &[output]);
    let map = Arc::clone(simulation).map(&[], &asked, true).unwrap();
    let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new());
    match run {
        Err(e) => e,
        Ok(run) => panic!("a value: {:?}", run.values()),
    }
}

fn near(found: f64, true_: f64, tolerance: f64) {
    assert!((found - true_).abs() <= tolerance * (1.0 + true_.abs()), "{found}, not {true_}");
}

fn predator_prey() -> Text {
    Text {
        time: "year",
        parameters: vec![
            ("birth", 0.55, "1/year"),
            ("hunting", 0.028, "1/(person year)"),
            ("death", 0.84, "1/year"),
            ("growth", 0.026, "1/(person year)"),
        ],
        states: vec![("hare", "34", "person"), ("lynx", "6", "person")],
        definitions: vec![("met", "hare * lynx"), ("share", "lynx / (hare + lynx)")],
        equations: vec![
            ("hare", "birth * hare - hunting * met"),
            ("lynx", "growth * met - death * lynx"),
        ],
        events: vec![],
    }
}

#[test]
fn modes_agree_on_predators_and_prey() {
    let simulation = predator_prey().simulation(&[1.0, 5.0, 9.0], options(1e-9));
    let inputs = ["birth", "hunting", "death", "growth", "start.hare", "start.lynx"];
    let (values, _) = checked(&simulation, &inputs, &["hare", "share"]);
    assert_eq!(values.len(), 6);
    // the integral of motion
    let asked = places(simulation.outputs(), &["hare", "lynx"]);
    let map = simulation.map(&[], &asked, false).unwrap();
    let run = map.run(&[], Keep::Values, SampleKey(0), &mut Workspace::new()).unwrap();
    let y = &run.values().entries;
    let kept = |h: f64, l: f64| 0.026 * h - 0.84 * h.ln() + 0.028 * l - 0.55 * l.ln();
    (0..3).for_each(|k| near(kept(y[k], y[k + 3]), kept(34.0, 6.0), 1e-7));
}

#[test]
fn a_rate_that_chooses_has_the_derivative_of_its_moment() {
    // by the time, which is a parameter, and by the state, at a level that is a parameter
    let text = Text {
        parameters: vec![
            ("turn", 0.4, ""),
            ("early", 2.0, ""),
            ("late", -1.0, ""),
            ("level", 0.5, ""),
        ],
        states: vec![("x", "0", ""), ("y", "0", "")],
        definitions: vec![("speed", "if(t < turn, early, late)")],
        equations: vec![("x", "speed"), ("y", "if(y > level and not (t < 0), late + 2, early)")],
        ..Text::default()
    };
    let simulation = text.simulation(&[1.0], options(1e-8));
    let (values, rows) = checked(&simulation, &["turn", "early", "late", "level"], &["x", "y"]);
    near(values[0], 2.0 * 0.4 - 0.6, 1e-12);
    let crossing = 0.5 / 2.0;
    near(values[1], 0.5 + (1.0 - crossing), 1e-12);
    let expected = [[3.0, 0.4, 0.6, 0.0], [0.0, 0.5 / 4.0, 1.0 - crossing, 1.0 - 0.5]];
    for (row, expected) in rows.iter().zip(expected) {
        row.iter().zip(expected).for_each(|(a, b)| near(*a, b, 1e-10));
    }
}

#[test]
fn doses_come_at_their_times() {
    let text = Text {
        time: "h",
        parameters: vec![("k", 0.3, "1/h"), ("dose", 10.0, "mg"), ("later", 4.0, "h")],
        states: vec![("x", "0", "mg")],
        equations: vec![("x", "-k * x")],
        events: vec![at("dose", &["0", "later", "480 min"], &["x = x + dose"])],
        ..Text::default()
    };
    let left = |t: f64| (-0.3 * t).exp();
    // at the very time of an event an output is that just after
    let simulation = text.simulation(&[0.0, 4.0], options(1e-9));
    let map = Arc::clone(&simulation).map(&[], &[0], true).unwrap();
    let (values, _) = jacobian(map.as_ref(), &[], Keep::Values);
    near(values[0], 10.0, 1e-12);
    near(values[1], 10.0 * (left(4.0) + 1.0), 1e-8);
    let simulation = text.simulation(&[0.0, 3.0, 10.0], options(1e-9));
    let (values, rows) = checked(&simulation, &["k", "dose", "later"], &["x"]);
    near(values[1], 10.0 * left(3.0), 1e-8);
    near(values[2], 10.0 * (left(10.0) + left(6.0) + left(2.0)), 1e-8);
    near(rows[2][2], 0.3 * 10.0 * left(6.0), 1e-7);
}

#[test]
fn a_throw_ends_on_the_ground() {
    let mut ground = when("landed", "height < 0", &[]);
    ground.ends = true;
    let text = Text {
        time: "s",
        parameters: vec![("g", 9.81, "m/s^2"), ("speed", 8.0, "m/s"), ("angle", 40.0, "deg")],
        states: vec![
            ("across", "0", "m"),
            ("height", "0.001", "m"),
            ("up", "speed * sin(angle)", "m/s"),
        ],
        equations: vec![("across", "speed * cos(angle)"), ("height", "up"), ("up", "-g")],
        events: vec![ground, when("top", "up < 0", &[])],
        ..Text::default()
    };
    let simulation = text.simulation(&[0.2, 3.0], options(1e-9));
    let outputs = ["end.across", "end.time", "event.top.time", "across", "event.landed.time"];
    let (values, _) = checked(&simulation, &["g", "speed", "angle", "start.height"], &outputs);
    let (s, c) = 40.0_f64.to_radians().sin_cos();
    let time = (8.0 * s + ((8.0 * s).powi(2) + 2.0 * 9.81 * 0.001).sqrt()) / 9.81;
    for (found, true_) in values.iter().zip([
        8.0 * c * time,
        time,
        8.0 * s / 9.81,
        8.0 * c * 0.2,
        8.0 * c * time, // held after the end
        time,
    ]) {
        near(*found, true_, 1e-9);
    }
}

#[test]
fn a_ball_bounces_and_one_that_never_rests_is_refused() {
    let text = |share| Text {
        parameters: vec![("share", share, ""), ("g", 9.81, "")],
        states: vec![("height", "1", ""), ("speed", "0", "")],
        equations: vec![("height", "speed"), ("speed", "-g")],
        events: vec![when("bounce", "height < 0", &["height = 0", "speed = -share * speed"])],
        ..Text::default()
    };
    let simulation = text(0.8).simulation(&[2.0], options(1e-9));
    let (values, _) = checked(&simulation, &["share", "g", "start.height"], &["height"]);
    let fall = (2.0 / 9.81_f64).sqrt();
    // the third flight: after the fall, and flights of 2 e^k falls
    let since = 2.0 - fall - 2.0 * fall * 0.8 - 2.0 * fall * 0.64;
    let speed = 9.81 * fall * 0.512;
    near(values[0], speed * since - 0.5 * 9.81 * since * since, 1e-9);
    let endless = text(0.5).simulation(&[4.0], Options { max_events: 40, ..options(1e-9) });
    let said = failure(&endless, "height").to_string();
    assert!(said.contains("Zeno") && said.contains("`bounce`"), "{said}");
}

#[test]
fn units_are_converted_where_they_meet() {
    let text = Text {
        time: "d",
        parameters: vec![("k", 0.05, "1/h"), ("feed", 2.0, "mg/h"), ("more", 1e-3, "g/h")],
        states: vec![("x", "0.5", "g")],
        definitions: vec![("total", "feed + more"), ("low", "min(x, 3 * feed / k)")],
        equations: vec![("x", "total - k * x")],
        ..Text::default()
    };
    let simulation = text.simulation(&[1.0, 2.0], options(1e-10));
    let (values, _) = checked(&simulation, &["k", "feed", "start.x"], &["x", "total", "low"]);
    let x = |hours: f64| 0.06 + 0.44 * (-0.05 * hours).exp();
    near(values[0], x(24.0), 1e-8);
    assert_eq!(&values[2..4], &[3.0, 3.0]);
    near(values[5], x(48.0).min(0.12), 1e-8);
}

#[test]
fn starts_may_be_expressions_and_experiments_differ() {
    let text = Text {
        parameters: vec![("all", 10.0, ""), ("k", 0.5, "")],
        states: vec![("b", "all - a", ""), ("a", "2 * first", "")],
        definitions: vec![("first", "all / 10")],
        equations: vec![("a", "k * b"), ("b", "-k * b")],
        ..Text::default()
    };
    let model = Model::new(&text.description()).unwrap();
    let course = |label: &str, values: &[(&str, f64)]| Experiment {
        label: label.into(),
        start: 1.0,
        times: vec![1.0, 3.0],
        values: values.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
    };
    let courses = vec![course("few", &[]), course("many", &[("all", 20.0)])];
    let simulation = Arc::new(EquationsSimulation::new(model, courses, options(1e-9)).unwrap());
    let (values, rows) = checked(
        &simulation,
        &["k", "all", "experiment.many.all"],
        &["experiment.many.b", "experiment.few.b"],
    );
    for (found, true_) in values.iter().zip([16.0, 16.0 / 1_f64.exp(), 8.0, 8.0 / 1_f64.exp()]) {
        near(*found, true_, 1e-8);
    }
    assert_eq!((rows[0][1], rows[2][2]), (0.0, 0.0), "experiments share what is shared only");
}

#[test]
fn stiff_equations_have_a_method() {
    let text = Text {
        parameters: vec![("k1", 0.04, ""), ("k2", 3e7, ""), ("k3", 1e4, "")],
        states: vec![("a", "1", ""), ("b", "0", ""), ("c", "0", "")],
        equations: vec![
            ("a", "-k1 * a + k3 * b * c"),
            ("b", "k1 * a - k3 * b * c - k2 * b^2"),
            ("c", "k2 * b^2"),
        ],
        ..Text::default()
    };
    let stiff =
        Options { method: Method::Rodas5p, relative: 1e-9, absolute: 1e-13, ..Options::default() };
    let simulation = text.simulation(&[0.4, 40.0], stiff);
    let names = places(simulation.outputs(), &["a", "b"]);
    let map = Arc::clone(&simulation).map(&[0], &names, true).unwrap();
    let (values, rows) = jacobian(map.as_ref(), &[0.04], Keep::Linearisation);
    // Hairer & Wanner II; the digits are those of an integration in higher precision
    near(values[0], 0.985_172_113_8, 2e-9);
    near(values[1], 0.715_827_068_7, 2e-9);
    near(values[3] * 1e5, 0.918_553_476_4, 2e-8);
    let h = 1e-5;
    let [up, down] = [0.04 + h, 0.04 - h].map(|k| jacobian(map.as_ref(), &[k], Keep::Values).0[1]);
    near(rows[1][0], (up - down) / (2.0 * h), 1e-5);
}

#[test]
fn what_has_no_solution_says_why() {
    let one = |rate: &'static str, start: &'static str| Text {
        states: vec![("x", start, "")],
        equations: vec![("x", rate)],
        ..Text::default()
    };
    let explodes = one("x^2", "1").simulation(&[2.0], options(1e-8));
    let said = failure(&explodes, "x").to_string();
    assert!(said.contains("singularity") && said.contains("solver.method"), "{said}");
    let stiff = Options { method: Method::Rodas5p, ..options(1e-8) };
    let no_slope = one("sqrt(x) - 1 + sqrt(-x)", "0").simulation(&[1.0], stiff);
    let said = failure(&no_slope, "x").to_string();
    assert!(said.contains("implicit step") && said.contains("no number"), "{said}");
    let no_rate = one("log(x)", "-1").simulation(&[1.0], options(1e-8));
    assert!(matches!(failure(&no_rate, "x"), TrialFailure::NonFinite { .. }));
    let few = Options { max_steps: 5, ..options(1e-10) };
    let said = failure(&one("sin(10 * t)", "0").simulation(&[9.0], few), "x").to_string();
    assert!(said.contains("solver.max_steps"), "{said}");
    let mut never = one("1", "0");
    never.events = vec![when("high", "x > 7", &[])];
    let said = failure(&never.simulation(&[1.0], options(1e-8)), "event.high.time").to_string();
    assert!(said.contains("`high` does not happen"), "{said}");
    let mut clash = one("1", "0");
    clash.events = vec![at("up", &["0.5"], &["x = x + 1"]), at("twice", &["0.5"], &["x = 2 * x"])];
    let said = failure(&clash.simulation(&[1.0], options(1e-8)), "x").to_string();
    assert!(said.contains("`up`") && said.contains("`twice`") && said.contains("order"), "{said}");
}

/// The slips of predators and prey, changed so.
fn slips(change: impl FnOnce(&mut Text)) -> Vec<ModelError> {
    let mut text = predator_prey();
    change(&mut text);
    text.errors()
}

/// That one slip is found, and what is said of it.
fn one_slip(errors: &[ModelError], expected: &str) {
    let said: Vec<String> = errors.iter().map(|e| format!("{e}; {}", e.problem.help())).collect();
    assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
}

#[test]
fn slips_in_expressions_are_named_with_their_places_and_remedies() {
    let hare = |rate: &'static str| slips(|t: &mut Text| t.equations[0].1 = rate);
    for (errors, expected) in [
        (slips(|t| t.states.clear()), "states: there is no state"),
        (slips(|t| t.equations.truncate(1)), "states.lynx: `lynx` has no equation"),
        (slips(|t| t.equations.push(("lnyx", "0"))), "did you mean `lynx`?"),
        (
            hare("brith * hare"),
            "equations.hare, character 1: there is no `brith`; did you mean `birth`?",
        ),
        (hare("birth * hare +"), "equations.hare, character 15: the expression is not complete"),
        (hare("birth hare"), "write * for a product: 2 * hare"),
        (hare("birth * hare * sine(t)"), "there is no function `sine`; did you mean `sin`?"),
        (hare("birth * max(hare)"), "`max` takes two or more arguments, 1 stand here"),
        (hare("birth * max"), "`max` takes two or more arguments, 0 stand here"),
        (hare("birth * atan2(1, 2, 3) * hare"), "`atan2` takes two arguments, 3 stand here"),
        (hare("birth + hare"), "a sum of numbers in `1/year` and `person`"),
        (hare("birth * hare - 1"), "a difference of numbers in `person/year` and a pure number"),
        (hare("hare"), "the rate of change of `hare` is in `person`, not in `person/year`"),
        (
            hare("exp(hare) * birth * hare"),
            "the argument of `exp` is in `person`, not in a pure number",
        ),
        (hare("hare^birth"), "an exponent is in `1/year`"),
        (hare("if(hare < t, birth * hare, 0)"), "a comparison of numbers in `person` and `year`"),
        (hare("if(hare, birth * hare, 0)"), "a number stands where a condition is needed"),
        (hare("if(hare = lynx, birth * hare, 0)"), "equal at single moments only"),
        (hare("(hare < lynx) * birth * hare"), "a condition stands where a number is needed"),
        (
            hare("if(if(t < death / birth^2, hare, lynx) < lynx, birth * hare, 0)"),
            "no `if` can stand within",
        ),
    ] {
        one_slip(&errors, expected);
    }
}

#[test]
fn slips_in_definitions_units_and_starts_are_named() {
    let defined = |list: &'static [(&'static str, &'static str)]| {
        slips(|t: &mut Text| t.definitions.extend(list))
    };
    for (errors, expected) in [
        (
            defined(&[("a", "b"), ("b", "2 * c"), ("c", "a + b")]),
            "a depends on itself: a -> b -> c -> a",
        ),
        (defined(&[("a", "a + 1")]), "a depends on itself: a -> a"),
        (defined(&[("sin", "2")]), "definitions.sin: `sin` is a function already"),
        (defined(&[("t", "2")]), "`t` is the time already"),
        (defined(&[("hare", "2")]), "definitions.hare: `hare` is named under [states] already"),
        (defined(&[("2nd", "2")]), "`2nd` cannot be a name"),
        (
            slips(|t| t.parameters[0].2 = "1/yaer"),
            "parameters.birth: there is no unit `yaer`; did you mean `year`?",
        ),
        (slips(|t| t.parameters[0].2 = "1/cow"), "own_units = [\"cow\"]"),
        (slips(|t| t.states[0].1 = "lynx * start"), "there is no `start`"),
        (slips(|t| (t.states[0].1, t.states[1].1) = ("lynx", "2 * hare")), "hare -> lynx -> hare"),
        (slips(|t| t.states[0].1 = "3 / birth"), "the start is in `year`, not in `person`"),
    ] {
        one_slip(&errors, expected);
    }
    // without units nothing is checked
    let mut bare = predator_prey();
    bare.parameters.iter_mut().for_each(|p| p.2 = "");
    bare.states.iter_mut().for_each(|s| s.2 = "");
    bare.equations[0].1 = "birth + hare + exp(hare / t)";
    assert_eq!(bare.errors(), []);
    assert!(matches!(
        EquationsSimulation::new(Model::new(&predator_prey().description()).unwrap(), vec![], options(1e-6)),
        Err(e) if matches!(e[0].problem, Problem::Time { .. })
    ));
}

#[test]
fn slips_in_events_are_named() {
    let event = |e: Event| slips(|t: &mut Text| t.events.push(e));
    for (errors, expected) in [
        (event(when("e", "hare + 1", &[])), "a comparison becomes true, and this is none"),
        (event(when("e", "birth < death", &[])), "does not change over time"),
        (
            event(when("e", "if(t < 1 / birth, hare, lynx) < 2 * lynx", &[])),
            "`if` cannot stand here",
        ),
        (event(when("e", "hare < lynx", &["birth = 2"])), "`birth` is no state"),
        (
            event(when("e", "hare < lynx", &["hare + 2"])),
            "a change is written `state = expression`",
        ),
        (event(when("e", "hare < lynx", &["hare = 2 * har"])), "character 12: there is no `har`"),
        (event(when("e", "hare < lynx", &["hare = 0", "hare = lynx"])), "a state is set twice"),
        (event(at("e", &["hare"], &[])), "the time of an event is in `person`, not in `year`"),
        (event(at("e", &["t"], &[])), "is a number or depends on parameters alone"),
        (event(at("e", &["-3"], &[])), "before the start"),
        (event(at("e", &["3 kg"], &[])), "is in `kg`, not in `year`"),
        (event(Event { label: "e".into(), ..Event::default() }), "an event needs a moment"),
    ] {
        one_slip(&errors, expected);
    }
}

#[test]
fn an_event_after_which_all_stands_still_happens_once() {
    let text = Text {
        parameters: vec![("level", 0.3, "")],
        states: vec![("x", "0", ""), ("still", "0", ""), ("since", "0", "")],
        equations: vec![("x", "1 - still"), ("still", "0"), ("since", "still")],
        events: vec![when("stop", "x > level", &["still = 1"])],
        ..Text::default()
    };
    let simulation = text.simulation(&[1.0], options(1e-8));
    let (values, _) = checked(&simulation, &["level"], &["x", "since", "event.stop.time"]);
    values.iter().zip([0.3, 0.7, 0.3]).for_each(|(found, true_)| near(*found, true_, 1e-12));
}

/// A look at further times changes nothing at the first ones, and these are among them.
#[test]
fn a_model_looked_at_more_often_is_the_same() {
    let text = Text {
        time: "s",
        parameters: vec![("rate", 0.7, "1/s")],
        states: vec![("x", "2", "")],
        equations: vec![("x", "-rate * x")],
        ..Text::default()
    };
    let own = [0.0, 0.1, 1.0, 10.0];
    let simulation = text.simulation(&own, options(1e-9));
    let values = |of: Arc<EquationsSimulation>| {
        let asked = places(of.outputs(), &["x"]);
        let times = of.outputs()[asked[0]].axis.as_ref().unwrap().values.clone();
        let map = of.map(&[0], &asked, false).unwrap();
        (times, jacobian(map.as_ref(), &[0.7], Keep::Values).0)
    };
    for in_ratios in [false, true] {
        let (times, seen) = values(Arc::new(simulation.looked_at_more_often(30, |_| in_ratios)));
        assert!(times.len() >= 30 && times.is_sorted_by(|a, b| a < b));
        let right = |t: &f64| 2.0 * (-0.7 * t).exp();
        assert!(times.iter().zip(&seen).all(|(t, x)| (x - right(t)).abs() < 1e-8));
        assert!(own.iter().all(|t| times.contains(t)));
        let middle = times.iter().filter(|t| **t > 1.0 && **t < 10.0).count();
        let first = times.iter().find(|t| **t > 1.0).unwrap();
        assert!((middle, *first < 1.27) == (9, in_ratios), "{middle} {first}");
    }
}

//! Rates that bend: `abs`, `min` and `max`.

use super::{Text, checked, near, options};

#[test]
fn a_spring_that_only_pushes_has_the_derivative_of_its_flight_and_its_contact() {
    // a unit mass falls on a spring of stiffness k that reaches up to x = 0
    let text = Text {
        parameters: vec![("k", 9.0, "")],
        states: vec![("x", "0.5", ""), ("v", "0", "")],
        equations: vec![("x", "v"), ("v", "max(-x, 0) * k - 1")],
        ..Text::default()
    };
    let (values, rows) =
        checked(&text.simulation(&[1.6], options(1e-9)), &["k", "start.x"], &["x"]);
    // it arrives with v = -sqrt(2 x0) after sqrt(2 x0), and swings about -1 / k
    let exact = |k: f64, x0: f64| {
        let (speed, frequency) = ((2.0 * x0).sqrt(), k.sqrt());
        let angle = frequency * (1.6 - speed);
        (angle.cos() - 1.0) / k - speed / frequency * angle.sin()
    };
    let slope = |f: &dyn Fn(f64) -> f64| {
        let at = |h: f64| (f(h) - f(-h)) / (2.0 * h);
        (4.0 * at(1e-3) - at(2e-3)) / 3.0
    };
    near(values[0], exact(9.0, 0.5), 1e-7);
    near(rows[0][0], slope(&|h| exact(9.0 + h, 0.5)), 1e-7);
    near(rows[0][1], slope(&|h| exact(9.0, 0.5 + h)), 1e-7);
}

#[test]
fn a_rate_of_a_magnitude_has_the_derivative_of_both_its_branches() {
    let text = Text {
        parameters: vec![("c", 1.0, "")],
        states: vec![("x", "1", "")],
        equations: vec![("x", "-1 - c * abs(x)")],
        ..Text::default()
    };
    // x = (1 + x0) e^-t - 1 down to 0 at t = ln(1 + x0), then 1 - e^t / (1 + x0)
    let (values, rows) = checked(&text.simulation(&[1.5], options(1e-9)), &["start.x"], &["x"]);
    near(values[0], 1.0 - 1.5_f64.exp() / 2.0, 1e-8);
    near(rows[0][0], 1.5_f64.exp() / 4.0, 1e-8);
}

#[test]
fn a_solution_that_rests_on_a_bend_is_not_stopped_there_again_and_again() {
    // explicit steps at the edge of their stability swing about 1 by the tolerance
    let text = Text {
        parameters: vec![("k", 40.0, ""), ("c", 0.3, "")],
        states: vec![("x", "2", "")],
        equations: vec![("x", "k * (1 - x) - c * max(x - 1, 0) + min(abs(x - 1), 0)")],
        ..Text::default()
    };
    let mut limited = options(1e-7);
    limited.max_events = 20;
    let (values, rows) = checked(&text.simulation(&[0.02, 300.0], limited), &["k"], &["x"]);
    near(values[0], 1.0 + (-0.02 * 40.3_f64).exp(), 1e-6);
    near(rows[0][0], -0.02 * (-0.02 * 40.3_f64).exp(), 1e-6);
    near(values[1], 1.0, 1e-6);
}

#[test]
fn a_bend_of_what_jumps_is_refused_with_the_remedy() {
    let model = |rate: &'static str| Text {
        states: vec![("x", "1", "")],
        equations: vec![("x", rate)],
        ..Text::default()
    };
    let errors = model("max(if(x < 1, x, 2), 0)").errors();
    assert!(errors[0].to_string().contains("within a condition, `abs`, `min` or `max`"));
    let text = model("if(t < 0.5, max(-x, -0.5), min(x, 0.25))");
    let (values, rows) = checked(&text.simulation(&[1.0], options(1e-9)), &["start.x"], &["x"]);
    near(values[0], 0.75 + 0.125, 1e-9);
    near(rows[0][0], 1.0, 1e-9);
}

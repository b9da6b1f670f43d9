//! Rates that choose by a comparison, where the solution stands at its edge, and events that come in rapid succession.

use super::{Text, checked, failure, near, options, when};

/// An oscillator with dry friction, whose half periods end at `k pi`; its amplitude falls by `2 mu` in each.
fn dry_friction(x: &'static str, v: &'static str) -> Text {
    Text {
        parameters: vec![("mu", 0.3, "")],
        states: vec![("x", x, ""), ("v", v, "")],
        equations: vec![("x", "v"), ("v", "-x - if(v > 0, mu, -mu)")],
        ..Text::default()
    }
}

#[test]
fn dry_friction_is_right_while_it_moves_and_refused_once_it_sticks() {
    let pi = std::f64::consts::PI;
    for start in ["0", "-1e-9"] {
        // each half period is half a cosine around mu or -mu; the third starts at 2 - 4 mu
        let simulation = dry_friction("2", start).simulation(&[0.9 * pi, 2.9 * pi], options(1e-11));
        let (values, rows) = checked(&simulation, &["mu"], &["x"]);
        let (mu, cosine) = (0.3, (0.9 * pi).cos());
        near(values[0], mu + (2.0 - mu) * cosine, 1e-8);
        near(values[1], mu + (2.0 - 5.0 * mu) * cosine, 1e-8);
        near(rows[1][0], 1.0 - 5.0 * cosine, 1e-7);
        // after it the spring pulls with 0.2, which friction holds
        let stuck = dry_friction("2", start).simulation(&[8.0 * pi], options(1e-11));
        let why = failure(&stuck, "x").to_string();
        assert!(why.contains("both sides of condition 1"), "{why}");
    }
    // at rest from the start, on the very edge of its comparison
    let at_rest = dry_friction("0.2", "0").simulation(&[1.0], options(1e-8));
    let why = failure(&at_rest, "x").to_string();
    assert!(why.contains("lead back to it"), "{why}");
    // on the edge, and the spring pulls it loose
    let loose = dry_friction("-0.7", "0").simulation(&[1.0], options(1e-11));
    let (values, _) = checked(&loose, &["mu"], &["x"]);
    near(values[0], -0.3 - 0.4 * 1.0_f64.cos(), 1e-9);
}

#[test]
fn a_comparison_that_stands_at_its_edge_turns_over_when_it_leaves_it_and_not_before() {
    // a tank runs full at 1, stands, and is drained from t = 5 on: faster than it fills, so the level falls
    let text = Text {
        parameters: vec![("inflow", 0.4, ""), ("drain", 0.7, "")],
        states: vec![("level", "0.2", ""), ("copy", "0.2", "")],
        equations: vec![
            ("level", "if(level < 1, inflow, 0) - if(t > 5, drain, 0)"),
            ("copy", "if(copy >= 1, 0, inflow) - if(t > 5, drain, 0)"),
        ],
        ..Text::default()
    };
    let simulation = text.simulation(&[4.0, 7.0], options(1e-8));
    let (values, rows) = checked(&simulation, &["inflow", "drain"], &["level", "copy"]);
    for k in 0..2 {
        near(values[2 * k], 1.0, 1e-12);
        near(values[2 * k + 1], 1.0 - 2.0 * 0.3, 1e-12);
        near(rows[2 * k + 1][0], 2.0, 1e-9);
        near(rows[2 * k + 1][1], -2.0, 1e-9);
    }
}

#[test]
fn a_neuron_that_fires_does_so_however_long_the_steps_are() {
    let text = Text {
        parameters: vec![("current", 3.05, "")],
        states: vec![("charge", "0", ""), ("fired", "0", "")],
        equations: vec![("charge", "current"), ("fired", "0")],
        events: vec![when("fire", "charge > 1", &["charge = 0", "fired = fired + 1"])],
        ..Text::default()
    };
    let simulation = text.simulation(&[10.0], options(1e-6));
    let (values, rows) = checked(&simulation, &["current"], &["charge", "fired"]);
    near(values[1], 30.0, 1e-12);
    near(values[0], 0.5, 1e-9);
    near(rows[0][0], 10.0, 1e-9);
}

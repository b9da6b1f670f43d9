//! Motions under a policy: its weights as inputs like others, threads, checkpoints, and policies that make no sense.

use super::place::{Place, stderr, timeless};

const BALANCE: &str = r#"[scenario]
name = "balance"
kind = "motion"

[model]
file = "cart-pole.xml"

[[motion]]
label = "left"
duration = "0.6 s"

[[motion]]
label = "right"
duration = "0.6 s"

[[motion]]
label = "unseen"
duration = "1.2 s"

[values]
"motion.left.start.joint.hinge.position" = "165 deg"
"motion.right.start.joint.hinge.position" = "190 deg"
"motion.unseen.start.joint.hinge.position" = "173 deg"

[policy]
hidden = [6]
hold = "20 ms"

[[observation]]
output = "joint.*.velocity"
scale = 3

[[observation]]
output = "site.end.position"
entries = [0, 2]
scale = "0.5 m"

[[observation]]
output = "joint.rail.position"

[[parameter]]
name = "policy.*.weight"

[[parameter]]
name = "policy.*.bias"

[[term]]
label = "upright"
output = "motion.*t.site.end.position"
entries = [2]
target = 0.6
scale = "1 cm"

[stop]
max_iterations = 60

[[goal]]
output = "motion.unseen.site.end.position"
at = 1.2
entries = [2]
at_least = "59 cm"
"#;

/// A place with the model and this scenario, some of whose text is replaced.
fn balance(replace: &[(&str, &str)]) -> Place {
    let place = Place::new();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/cart-pole.xml");
    std::fs::copy(model, place.path("cart-pole.xml")).unwrap();
    let mut text = BALANCE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(place.path("balance.toml"), text).unwrap();
    place
}

/// It holds a pole that it was not trained on, with the same bits on any number of threads and from a checkpoint.
#[test]
fn a_policy_balances_a_pole_that_it_has_not_seen() {
    let place = balance(&[]);
    let run = |out: &str, threads: &str, most: &str| {
        let most = format!("stop.max_iterations={most}");
        let words = ["run", "balance.toml", "--out", out, "--threads", threads, "--quiet"];
        place.run(&[&words[..], &["--set", &most]].concat())
    };
    for threads in ["1", "2"] {
        let output = run(threads, threads, "60");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert_eq!(timeless(&place.read("1/history.csv")), timeless(&place.read("2/history.csv")));
    run("3", "2", "7");
    let output = place.run(&["resume", "3", "--set", "stop.max_iterations=60", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(timeless(&place.read("1/history.csv")), timeless(&place.read("3/history.csv")));
    let output = place.run(&["gradcheck", "balance.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let ddp = place.run(&["check", "balance.toml", "--set", "optimizer.method=ddp"]);
    assert_eq!(ddp.status.code(), Some(2));
    assert!(stderr(&ddp).contains("controls of their own"), "{}", stderr(&ddp));
}

#[test]
fn policies_that_make_no_sense_are_refused_with_their_line() {
    let weights = "[[parameter]]\nname = \"policy.*.weight\"";
    let cases = [
        (("site.end.position\"\nentries", "site.ent.position\"\nentries"), "site.end.position"),
        (("entries = [0, 2]", "entries = [0, 3]"), "there is no entry 3"),
        (("scale = \"0.5 m\"", "scale = \"0.5 kg\""), "kg"),
        (("scale = 3", "scale = 0"), "must be positive"),
        (("hidden = [6]", "hidden = [0]"), "hidden"),
        (("hold = \"20 ms\"", "hold = \"15 ms\""), "the nearest is 0.020000 s"),
        (
            (weights, "[[parameter]]\nname = \"motion.*.actuator.push.control\""),
            "a policy makes the controls",
        ),
        (
            ("[policy]", "\"motion.left.actuator.push.control\" = 1\n\n[policy]"),
            "a policy makes the controls",
        ),
        ((weights, "[[parameter]]\nname = \"policy.layer[2].weight\""), "there is no input"),
        ((weights, &format!("{weights}\nstart = \"glorrot\"")), "glorot, lecun, he"),
    ];
    for ((from, to), says) in cases {
        let output = balance(&[(from, to)]).run(&["check", "balance.toml"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{to}: {said}");
        assert!(said.contains(says) && said.contains("balance.toml:"), "{to}: {said}");
    }
    let blind = BALANCE.find("[[observation]]").unwrap()..BALANCE.find("[[parameter]]").unwrap();
    let output = balance(&[(&BALANCE[blind], "")]).run(&["check", "balance.toml"]);
    assert!(stderr(&output).contains("there is no policy"), "{}", stderr(&output));
    let place = balance(&[]);
    let model = place.read("cart-pole.xml").replace(" ctrlrange=\"-12 12\"", "");
    std::fs::write(place.path("cart-pole.xml"), model).unwrap();
    let output = place.run(&["check", "balance.toml"]);
    assert!(stderr(&output).contains("`actuator.push` has no `ctrlrange`"), "{}", stderr(&output));
}

//! The program as GradBench talks to it: every evaluation's answers beside closed forms, or beside differences of its own values.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The program, to which messages are sent one by one.
struct Tool {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Tool {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cotangent-gradbench"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("it has a pipe"));
        Self { child, input, output: BufReader::new(output), id: 0 }
    }

    fn send(&mut self, mut message: Value) -> Value {
        message["id"] = json!(self.id);
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{message}").expect("it listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).expect("in JSON");
        assert_eq!(answer["id"], json!(self.id));
        self.id += 1;
        answer
    }

    fn evaluate(&mut self, module: &str, function: &str, input: &Value) -> Value {
        let kind = "evaluate";
        let message =
            json!({ "kind": kind, "module": module, "function": function, "input": input });
        let answer = self.send(message);
        assert_eq!(answer["success"], true, "{module} {function}: {answer}");
        assert!(
            answer["timings"].as_array().is_some_and(|t| t.len() > 1),
            "one to prepare, one a run"
        );
        answer["output"].clone()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// All numbers of an answer, in order; of an object by the order of its keys.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        Value::Object(map) => map.values().flat_map(numbers).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

fn close(found: &[f64], exact: &[f64], tolerance: f64) {
    assert_eq!(found.len(), exact.len());
    for (f, e) in found.iter().zip(exact) {
        assert!((f - e).abs() <= tolerance * (1.0 + e.abs()), "{f} {e}");
    }
}

/// Numbers without a pattern, from 0 to 1.
fn spread(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|k| (seed + k as f64 * 0.618_033_988_75).sin().mul_add(0.5, 0.5)).collect()
}

/// Central differences of `value` by every number that `path` has in an input.
fn differences(
    input: &Value,
    path: &str,
    value: &mut dyn FnMut(&Value) -> Vec<f64>,
) -> Vec<Vec<f64>> {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(k, v)| places(v, &format!("{at}/{k}"), found));
            }
            _ => found.push(at.to_owned()),
        }
    }
    let mut all = Vec::new();
    places(input.pointer(path).expect("it is there"), path, &mut all);
    let mut columns = Vec::new();
    for place in all {
        let mut moved = |by: f64| {
            let mut input = input.clone();
            let entry = input.pointer_mut(&place).expect("it is there");
            *entry = json!(entry.as_f64().expect("a number") + by);
            value(&input)
        };
        let (up, down) = (moved(1e-6), moved(-1e-6));
        columns.push(up.iter().zip(&down).map(|(u, d)| (u - d) / 2e-6).collect());
    }
    columns
}

#[test]
fn the_protocol_is_spoken() {
    let mut tool = Tool::start();
    assert_eq!(tool.send(json!({ "kind": "start", "eval": "hello" }))["tool"], "cotangent");
    assert_eq!(tool.send(json!({ "kind": "define", "module": "hello" }))["success"], true);
    assert_eq!(tool.send(json!({ "kind": "define", "module": "unheard-of" }))["success"], false);
    assert_eq!(tool.evaluate("hello", "square", &json!(3.0)), json!(9.0));
    assert_eq!(tool.evaluate("hello", "double", &json!(3.0)), json!(6.0));
    assert_eq!(
        tool.send(json!({ "kind": "analysis", "of": 3, "valid": true })),
        json!({ "id": 5 })
    );
    for (module, function, input) in [
        ("hello", "cube", json!(1.0)),
        ("hello", "square", json!("one")),
        ("det", "primal", json!({ "A": [1.0, 2.0], "ell": 2 })),
        ("gmm", "objective", json!({})),
        ("ht", "objective", json!({ "theta": [] })),
        ("ba", "jacobian", json!({ "n": 0, "m": 0, "p": 0 })),
        ("kmeans", "dir", json!({ "points": [[0.0]], "centroids": [[0.0], [9.0]] })),
    ] {
        let message =
            json!({ "kind": "evaluate", "module": module, "function": function, "input": input });
        let answer = tool.send(message);
        assert_eq!(answer["success"], false, "{module}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|why| !why.is_empty()));
    }
    let often = json!({ "x": [1.0, 2.0], "min_runs": 5, "min_seconds": 0 });
    let message =
        json!({ "kind": "evaluate", "module": "lse", "function": "primal", "input": often });
    let timings = &tool.send(message)["timings"];
    assert_eq!(
        timings.as_array().map(|t| t.iter().filter(|t| t["name"] == "evaluate").count()),
        Some(5)
    );
}

#[test]
fn what_has_a_closed_form_agrees_with_it() {
    let mut tool = Tool::start();
    let x = spread(40, 0.3);
    let exps: Vec<f64> = x.iter().map(|x| x.exp()).collect();
    let sum: f64 = exps.iter().sum();
    close(&numbers(&tool.evaluate("lse", "primal", &json!({ "x": x }))), &[sum.ln()], 1e-14);
    let softmax: Vec<f64> = exps.iter().map(|e| e / sum).collect();
    close(&numbers(&tool.evaluate("lse", "gradient", &json!({ "x": x }))), &softmax, 1e-14);

    // y_i = x_0 ... x_i t^(i+1) / (i+1)!, which four stages have exactly up to the fourth power
    let x: [f64; 4] = [1.1, 0.7, 1.3, 0.9];
    let last = x.iter().product::<f64>() * 16.0 / 24.0;
    let input = json!({ "x": x, "s": 7 });
    let y = numbers(&tool.evaluate("ode", "primal", &input));
    close(&y, &[2.2, 1.54, 1.1 * 0.7 * 1.3 * 8.0 / 6.0, last], 1e-13);
    let slope: Vec<f64> = x.iter().map(|x| last / x).collect();
    close(&numbers(&tool.evaluate("ode", "gradient", &input)), &slope, 1e-13);

    // a matrix of Vandermonde: the product of the differences; every gradient is the inverse times the determinant
    let nodes: [f64; 7] = [0.3, 1.1, -0.7, 1.9, 0.5, -1.3, 2.2];
    let n = nodes.len();
    let a: Vec<f64> = nodes.iter().flat_map(|x| (0..n).map(|k| x.powi(k as i32))).collect();
    let mut exact = 1.0;
    for i in 0..n {
        (0..i).for_each(|j| exact *= nodes[i] - nodes[j]);
    }
    let input = json!({ "A": a, "ell": n });
    close(&numbers(&tool.evaluate("det", "primal", &input)), &[exact], 1e-11);
    let gradient = numbers(&tool.evaluate("det", "gradient", &input));
    for i in 0..n {
        for j in 0..n {
            let product: f64 = (0..n).map(|k| a[i * n + k] * gradient[j * n + k]).sum();
            close(&[product], &[if i == j { exact } else { 0.0 }], 1e-9);
        }
    }

    let points = json!([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0], [9.0, 7.0], [8.0, 8.0]]);
    let input = json!({ "points": points, "centroids": [[1.0, 1.0], [8.0, 9.0]] });
    let cost = 2.0 + 1.0 + 1.0 + 5.0 + 1.0;
    close(&numbers(&tool.evaluate("kmeans", "cost", &input)), &[cost], 1e-14);
    let direction = numbers(&tool.evaluate("kmeans", "dir", &input));
    close(&direction, &[0.5, 1.0, 8.0 - 26.0 / 3.0, 1.0], 1e-14);

    let (x, n) = ([0.2_f64, 0.9, -0.3], 11);
    let input = json!({ "x": x, "n": n });
    let (mut value, mut slope) = (0.0, [0.0; 3]);
    for i in 0..n {
        let t = -1.0 + f64::from(i) * 2.0 / f64::from(n - 1);
        let step = if t == 0.0 { 0.0 } else { t.signum() };
        let residual = step - (x[0] + x[1] * t + x[2] * t * t);
        value += 0.5 * residual * residual;
        (0..3).for_each(|j| slope[j as usize] -= residual * t.powi(j));
    }
    close(&numbers(&tool.evaluate("llsq", "primal", &input)), &[value], 1e-13);
    close(&numbers(&tool.evaluate("llsq", "gradient", &input)), &slope, 1e-13);

    for mode in ["ff", "fr", "rf", "rr"] {
        let w = numbers(&tool.evaluate("particle", mode, &json!({ "w": 0.0 })));
        close(&w, &[0.207_191_874_648_611_6], 1e-10);
        let point = numbers(&tool.evaluate("saddle", mode, &json!({ "start": [1.0, 1.0] })));
        close(&point, &[8.246_324_826_140_356e-6; 4], 1e-12);
    }
}

/// A mixture, a network and a hand of small sizes.
fn mixture() -> Value {
    let rows = |n: usize, d: usize, seed: f64| -> Vec<Vec<f64>> {
        spread(n * d, seed).chunks(d).map(<[f64]>::to_vec).collect()
    };
    json!({ "d": 3, "k": 2, "n": 7, "x": rows(7, 3, 0.1), "m": 1, "gamma": 1.5, "alpha": spread(2, 0.2),
            "mu": rows(2, 3, 0.4), "q": rows(2, 3, 0.5), "l": rows(2, 3, 0.6) })
}

#[test]
fn gradients_agree_with_differences_of_their_own_values() {
    let mut tool = Tool::start();
    let input = mixture();
    let gradient = tool.evaluate("gmm", "jacobian", &input);
    for part in ["alpha", "mu", "q", "l"] {
        let columns = differences(&input, &format!("/{part}"), &mut |input| {
            numbers(&tool.evaluate("gmm", "objective", input))
        });
        close(&numbers(&gradient[part]), &columns.concat(), 1e-7);
    }

    let rows = |n: usize, b: usize, seed: f64| -> Vec<Vec<f64>> {
        spread(n * b, seed).chunks(b).map(<[f64]>::to_vec).collect()
    };
    let input = json!({ "main_params": rows(4, 12, 0.1), "extra_params": rows(3, 3, 0.2), "state": rows(4, 3, 0.3),
                        "sequence": rows(6, 3, 0.4) });
    let gradient = numbers(&tool.evaluate("lstm", "jacobian", &input));
    let mut columns = Vec::new();
    for part in ["/main_params", "/extra_params"] {
        columns.extend(differences(&input, part, &mut |input| {
            numbers(&tool.evaluate("lstm", "objective", input))
        }));
    }
    close(&gradient, &columns.concat(), 1e-7);
}

#[test]
fn the_first_observation_s_jacobian_is_in_the_benchmark_s_order() {
    let mut tool = Tool::start();
    let camera = [0.2, -0.1, 0.3, 0.0, 0.1, -4.0, 500.0, 1.0, 2.0, 0.1, -0.05];
    let input = json!({ "n": 3, "m": 5, "p": 40, "cam": camera, "x": [0.1, -0.2, 0.3], "w": 0.9, "feat": [10.0, -20.0] });
    let objective = tool.evaluate("ba", "objective", &input);
    assert_eq!(
        (&objective["w_err"]["repeated"], &objective["reproj_error"]["repeated"]),
        (&json!(40), &json!(40))
    );
    close(&numbers(&objective["w_err"]["element"]), &[1.0 - 0.81], 1e-14);
    let jacobian = tool.evaluate("ba", "jacobian", &input);
    let rows: Vec<f64> = numbers(&jacobian["rows"]);
    let exact: Vec<f64> = (0..30).map(|k| f64::from(15 * k)).chain([15.0 * 80.0 + 40.0]).collect();
    assert_eq!(rows, exact);
    let block: Vec<f64> = (0..11).chain(33..36).chain([48]).map(f64::from).collect();
    assert_eq!(numbers(&jacobian["cols"]), [&block[..], &block[..], &[48.0 + 39.0]].concat());
    let mut columns = Vec::new();
    for part in ["/cam", "/x", "/w"] {
        columns.extend(differences(&input, part, &mut |input| {
            numbers(&tool.evaluate("ba", "objective", input)["reproj_error"]["elements"])
        }));
    }
    let values = numbers(&jacobian["vals"]);
    for row in 0..2 {
        let own: Vec<f64> = columns.iter().map(|c| c[row]).collect();
        // differences of hundreds of pixels at a step of 1e-6
        close(&values[15 * row..][..15], &own, 1e-5);
    }
    close(&values[30..], &[-1.8], 1e-14);
}

#[test]
fn a_hand_s_jacobian_has_the_points_own_coordinates_first() {
    let mut tool = Tool::start();
    let bones = 22;
    let matrix = |shift: f64| {
        json!([
            [1.0, 0.0, 0.0, shift],
            [0.0, 1.0, 0.0, 0.1],
            [0.0, 0.0, 1.0, 0.05],
            [0.0, 0.0, 0.0, 1.0]
        ])
    };
    let parents: Vec<i32> = (0..bones)
        .map(|k| {
            if k == 0 {
                -1
            } else if k % 4 == 1 {
                0
            } else {
                k - 1
            }
        })
        .collect();
    let rows = |n: usize, b: usize, seed: f64| -> Vec<Vec<f64>> {
        spread(n * b, seed).chunks(b).map(<[f64]>::to_vec).collect()
    };
    let model = json!({
        "bone_names": parents.iter().map(|k| format!("bone {k}")).collect::<Vec<_>>(),
        "parents": parents,
        "base_relatives": (0..bones).map(|_| matrix(0.3)).collect::<Vec<_>>(),
        "inverse_base_absolutes": (0..bones).map(|k| matrix(-0.05 * f64::from(k))).collect::<Vec<_>>(),
        "base_positions": rows(6, 3, 0.1), "weights": rows(6, 22, 0.2),
        "triangles": [[0, 1, 2], [3, 4, 5], [1, 3, 5]], "is_mirrored": false,
    });
    let data = |on: &[usize]| json!({ "model": model, "correspondences": on, "points": rows(on.len(), 3, 0.5) });
    let theta = spread(26, 0.7);
    for (on, us) in [(vec![5, 2], json!([])), (vec![2, 0], json!([[0.2, 0.3], [0.5, 0.1]]))] {
        let input = json!({ "theta": theta, "us": us, "data": data(&on) });
        let jacobian = numbers(&tool.evaluate("ht", "jacobian", &input));
        let mut value = |input: &Value| numbers(&tool.evaluate("ht", "objective", input));
        let pose = differences(&input, "/theta", &mut value);
        let own = differences(&input, "/us", &mut value);
        let columns = if own.is_empty() { 26 } else { 28 };
        for (row, found) in jacobian.chunks(columns).enumerate() {
            let coordinates: Vec<f64> =
                (0..columns - 26).map(|c| own[2 * (row / 3) + c][row]).collect();
            let exact: Vec<f64> =
                coordinates.into_iter().chain(pose.iter().map(|c| c[row])).collect();
            close(found, &exact, 1e-7);
        }
    }
}

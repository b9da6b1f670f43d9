"""Values, derivatives and errors of a simulation and of its objective."""

import csv
import json
import threading

import numpy as np
import pytest

import cotangent

MASSES = ("body.upper.mass", "body.lower.mass")
X = {"body.upper.mass": np.array(1.2), "body.lower.mass": np.array(0.8)}


def difference(f, x, step=1e-6):
    """Central differences of a flat function."""
    columns = []
    for k in range(x.size):
        up, down = x.copy(), x.copy()
        up[k] += step
        down[k] -= step
        columns.append((f(up) - f(down)) / (2 * step))
    return np.stack(columns, axis=-1)


def test_what_goes_in_and_comes_out_is_described(sim):
    mass = sim.inputs["body.upper.mass"]
    assert (mass.unit, mass.shape, float(mass.value)) == ("kg", (), 1.0)
    assert mass.differentiable and mass.lower == 0 and mass.upper == np.inf
    end = sim.outputs["site.end.position"]
    assert end.shape == (31, 3) and end.value is None and end.unit == "m"
    assert end.axis[:2] == ("time", "s") and end.axis[2][-1] == pytest.approx(0.3)


def test_values_are_arrays_by_name(sim):
    y = sim(X, ["site.end.position", "joint.*.position"])
    assert list(y) == ["site.end.position", "joint.shoulder.position", "joint.elbow.position"]
    assert y["site.end.position"].shape == (31, 3)
    assert set(sim()) == set(sim.outputs)


def test_derivatives_agree_with_differences_and_with_each_other(sim):
    f = sim.function(MASSES, "site.end.position")
    x = f.pack(X)
    numeric = difference(f.values, x)
    y, jacobian = f.jacobian(x)
    assert np.array_equal(y, f.values(x))
    np.testing.assert_allclose(jacobian, numeric, atol=1e-8)
    y_bar = np.cos(np.arange(f.m))
    # differences of lengths of metres at a step of 1e-6 kg are good to 1e-9 each
    np.testing.assert_allclose(f.pullback(x, y_bar)[1], y_bar @ numeric, atol=1e-8)
    by_name = sim.vjp(X, {"site.end.position": y_bar.reshape(31, 3)})
    assert np.array_equal(np.stack([by_name[n] for n in MASSES]), f.pullback(x, y_bar)[1])
    pushed = sim.jvp(X, {"body.lower.mass": 2.0}, "site.end.position")
    np.testing.assert_allclose(pushed["site.end.position"].reshape(-1), 2 * numeric[:, 1], atol=1e-8)
    block = sim.jacobian(X, "site.end.position")["site.end.position"]["body.lower.mass"]
    assert block.shape == (31, 3) and np.array_equal(block.reshape(-1), jacobian[:, 1])


def test_the_objective_gives_what_an_optimizer_needs(sim):
    objective = sim.objective
    x = objective.start()
    assert np.array_equal(x, [1.3, 1.3]) and list(objective.parameters) == list(MASSES)
    value, gradient = objective.value_and_gradient(x)
    assert value == objective.value(x) == sum(objective.terms(x).values())
    np.testing.assert_allclose(gradient, difference(objective.value, x), rtol=1e-6)
    r, jacobian = objective.residuals(x), objective.jacobian(x)
    assert value == pytest.approx(0.5 * r @ r, rel=1e-14)
    np.testing.assert_allclose(r @ jacobian, gradient, rtol=1e-12)
    assert objective.value({"body.upper.mass": 1.3}) == value


def test_the_command_line_has_the_same_bits(sim, folder, command):
    done = command("simulate", "scenario.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    theirs = {}
    for path in (folder / "out").glob("*.csv"):
        rows = list(csv.reader(path.open()))
        for column in zip(*rows):
            theirs[column[0]] = column[1:]
    # the command puts what is free at its start
    ours = sim({mass: 1.3 for mass in MASSES})
    compared = 0
    for name, value in ours.items():
        if value.ndim == 1 and name in theirs:
            assert [float(v) for v in theirs[name]] == value.tolist()
            compared += value.size
    assert compared > 100


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda s: s({"body.uper.mass": 1.0}), cotangent.ScenarioError, "did you mean `body.upper.mass`"),
        (lambda s: s({"body.*.mass": 1.0}), cotangent.InputError, "pattern"),
        (lambda s: s({"body.upper.mass": [1.0]}), cotangent.InputError, r"shape \(1,\)"),
        (lambda s: s({"body.upper.mass": "1"}), cotangent.InputError, "type"),
        (lambda s: s({"body.upper.mass": 1j}), cotangent.InputError, "complex"),
        (lambda s: s({"body.upper.mass": 2**53 + 1}), cotangent.InputError, "exactly"),
        (lambda s: s({"body.upper.mass": np.nan}), cotangent.InputError, "body.upper.mass"),
        (lambda s: s({"body.upper.mass": -1.0}), cotangent.InputError, "outside"),
        (lambda s: s({"body.upper.mass": np.ma.array(1.0, mask=True)}), cotangent.InputError, "MaskedArray"),
        (lambda s: s({"body.upper.mass": [[1.0], [1.0, 2.0]]}), cotangent.InputError, "cannot be made an array"),
        (lambda s: s({"body.upper.mass": np.longdouble(1)}), cotangent.InputError, "float128"),
        (lambda s: s({"body.upper.mass": True}), cotangent.InputError, "bool"),
        (lambda s: s({"body.upper.mass": None}), cotangent.InputError, "object"),
        (lambda s: s({3: 1.0}), cotangent.InputError, "named by a text"),
        (lambda s: s({"body.\udc80.mass": 1.0}), cotangent.InputError, "named by a text"),
        (lambda s: s({}, 5), cotangent.InputError, "list of texts"),
        (lambda s: s.function(5), cotangent.InputError, "list of texts"),
        (lambda s: s.function(MASSES).values([[1.0, 1.0]]), cotangent.InputError, r"shape \(1, 2\)"),
        (lambda s: s.function(MASSES).values([]), cotangent.InputError, r"shape \(0,\)"),
        (lambda s: s.function(MASSES)._raw.values(b"12345678"), BufferError, "f64"),
        (lambda s: s.objective.start(-1), cotangent.InputError, "seed"),
        (lambda s: cotangent.set_threads(-1), cotangent.InputError, "threads"),
        (lambda s: s([1.0]), cotangent.InputError, "dictionary"),
        (lambda s: s({}, ["joint.ankle.position"]), cotangent.ScenarioError, "no output"),
        (lambda s: s.vjp(X, {}), cotangent.InputError, "no output"),
        (lambda s: s.vjp(X, {"site.end.position": np.zeros((3, 31))}), cotangent.InputError, "shape"),
        (lambda s: s.vjp(X, {"site.end.position": np.full((31, 3), np.inf)}), cotangent.InputError, "inf"),
        (lambda s: s.objective.value([1.0]), cotangent.InputError, "shape"),
        (lambda s: s.objective.gradient([1.0, np.nan]), cotangent.InputError, "nan|NaN"),
        (lambda s: s.objective.hvp([1.0, 1.0], [1.0, 0.0]), cotangent.UnsupportedError, "second|Hessian"),
    ],
)
def test_what_does_not_fit_is_named(sim, call, error, words):
    with pytest.raises(error, match=words):
        call(sim)


def test_a_scenario_that_does_not_load_says_where(folder, command):
    path = folder / "scenario.toml"
    path.write_text(path.read_text().replace("duration", "duraton"))
    with pytest.raises(cotangent.ScenarioError, match="duraton") as raised:
        cotangent.load(path)
    problem = raised.value.diagnostics[0]
    assert problem["place"]["line"] == 9 and problem["help"]
    shown = command("check", path)
    assert shown.stderr.strip() == str(raised.value)
    with pytest.raises(cotangent.ScenarioError, match="no.where"):
        cotangent.load(folder / "no-where.toml")


def test_overrides_are_those_of_the_command_line(folder):
    path = folder / "scenario.toml"
    sim = cotangent.load(path, {"values": {"start.joint.elbow.position": 0.25}, "scenario.name": "two - masses"})
    assert float(sim.inputs["start.joint.elbow.position"].value) == 0.25
    with pytest.raises(cotangent.ScenarioError, match="--set"):
        cotangent.load(path, {"scenario.colour": 3})
    for wrong in (5, {3: 1}, {"scenario.seed": object()}):
        with pytest.raises(cotangent.InputError, match="dictionary|text"):
            cotangent.load(path, wrong)
    with pytest.raises(cotangent.ScenarioError, match="cannot be the name of a folder"):
        cotangent.load(path, {"scenario.name": 'a "b"'})


def test_arrays_of_any_layout_are_read_as_what_they_are(sim):
    f = sim.function(MASSES, "site.end.position")
    x = np.array([1.2, 0.8])
    y_bar = np.cos(np.arange(f.m))
    expected = f.pullback(x, y_bar)[1]
    wide = np.zeros((2, 2 * f.m))
    wide[0, ::2] = y_bar
    backwards = y_bar[::-1].copy()[::-1]
    fixed = y_bar.copy()
    fixed.setflags(write=False)
    for same in (wide[0, ::2], backwards, fixed, y_bar.astype(">f8"), list(y_bar)):
        assert np.array_equal(f.pullback(x, same)[1], expected)
    shaped = np.asfortranarray(y_bar.reshape(31, 3))
    assert np.array_equal(list(sim.vjp(X, {"site.end.position": shaped}).values()), expected)
    single = x.astype(np.float32)
    assert np.array_equal(f.values(single), f.values(single.astype(np.float64))), "float32 converts exactly"


def test_the_lock_is_released_while_a_simulation_runs(folder):
    f = cotangent.load(folder / "scenario.toml").function(MASSES, "site.end.position")
    x, counted, running = f.pack(X), [0], [True]

    def count():
        while running[0]:
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    answers = [f.jacobian(x)[1] for _ in range(50)]
    running[0] = False
    thread.join()
    assert counted[0] > 0 and all(np.array_equal(a, answers[0]) for a in answers)


def test_a_run_is_that_of_the_command_line_and_can_be_stopped(folder, command):
    path = folder / "scenario.toml"
    seen = []
    result = cotangent.run(path, out=folder / "ours", callback=lambda it: seen.append(it["value"]))
    assert (folder / "ours" / "report.html").exists() and result["report"].endswith("report.html")
    assert len(seen) == result["iterations"] + 1 and seen[-1] <= seen[0]
    done = command("run", path, "--out", folder / "theirs")
    answer = lambda name: json.loads((folder / name / "artifacts" / "answer.json").read_text())  # noqa: E731
    assert answer("ours") == answer("theirs"), done.stderr

    def impatient(it):
        if it["iteration"] == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough") as raised:
        cotangent.run(path, out=folder / "stopped", callback=impatient)
    assert "resume" in raised.value.__notes__[0]
    assert not (folder / "stopped" / "result.json").exists()
    cotangent.resume(folder / "stopped")
    assert answer("stopped") == answer("ours")
    with pytest.raises(cotangent.InputError, match="cannot be called"):
        cotangent.run(path, out=folder / "never", callback=5)
    with pytest.raises(cotangent.RunError, match="exists already"):
        cotangent.run(path, out=folder / "ours")


def test_ctrl_c_ends_a_run_with_a_checkpoint(folder):
    import signal

    def interrupt(it):
        if it["iteration"] == 1:
            signal.raise_signal(signal.SIGINT)

    for _ in range(2):  # twice in one process
        with pytest.raises(KeyboardInterrupt):
            cotangent.run(folder / "scenario.toml", out=folder / "run", force=True, callback=interrupt)
    assert cotangent.resume(folder / "run")["iterations"] > 1

"""One scenario of each domain: SciPy, JAX and torch have the bits of the command line's server."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import cotangent

SCENARIOS = Path(__file__).parents[2] / "scenarios"

#: Scenario, what is changed of it to be quick, inputs and an output.
DOMAINS = {
    "motion": ("double-pendulum", {}, ["body.upper.mass", "joint.elbow.damping"], "joint.elbow.position"),
    "equations": ("lynx-hare", {}, [], ""),
    "molecules on a line": ("h2-bond", {}, [], ""),
    "molecules": ("water", {"basis.name": "STO-3G"}, [], "energy"),
    "pictures": ("two-views", {"samples.paths": 1, "samples.edges": 1, "samples.shadow_points": 1}, [], ""),
}


class Server:
    """A scenario as the command line serves it by UM-Bridge."""

    def __init__(self, program: str, file: Path, overrides: dict, inputs: list[str], output: str) -> None:
        changes = [f"--set={key}={value}" for key, value in overrides.items()]
        names = [f"--input={name}" for name in inputs] + [f"--output={output}"]
        words = [program, "serve", file, "--as", "um-bridge", "--port", "0", "--quiet", *changes, *names]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def ask(self, path: str, **words: object) -> list:
        import requests

        answer = requests.post(f"{self.url}/{path}", json=words, timeout=100).json()
        assert "output" in answer, answer
        return answer["output"]


@pytest.fixture(params=DOMAINS)
def domain(request, command):
    """A map of the domain, its objective, and the server of both."""
    pytest.importorskip("requests")
    scenario, overrides, inputs, output = DOMAINS[request.param]
    file = SCENARIOS / f"{scenario}.toml"
    sim = cotangent.load(file, overrides)
    if not output:
        # the first of those that are asked about
        output = next(iter(sim.function().outputs))
    f = sim.function(inputs, output)
    server = Server(command.program, file, overrides, list(f.inputs), output)
    yield sim, f, server
    server.process.terminate()
    assert server.process.wait(timeout=60) == 0


def split(f, x):
    """A flat array as UM-Bridge's vectors, one for each input."""
    return [v.reshape(-1).tolist() for v in f.unpack_inputs(x).values()]


def test_values_and_gradients_have_the_command_line_s_bits(domain):
    sim, f, server = domain
    x, y_bar = f.present.copy(), np.cos(np.arange(f.m))
    points = split(f, x)
    [theirs] = server.ask("Evaluate", name="simulation", input=points)
    at = {"name": "simulation", "input": points, "outWrt": 0, "sens": y_bar.tolist()}
    slope = np.concatenate([server.ask("Gradient", inWrt=k, **at) for k in range(len(points))])
    y, x_bar = f.pullback(x, y_bar)
    assert y.tolist() == theirs and x_bar.tolist() == slope.tolist() and np.any(x_bar != 0)

    objective = sim.objective
    start = objective.start()
    parts = [v.reshape(-1).tolist() for v in objective.unpack(start).values()]
    [[value]] = server.ask("Evaluate", name="objective", input=parts)
    wanted = {"name": "objective", "input": parts, "outWrt": 0, "sens": [1.0]}
    gradient = np.concatenate([server.ask("Gradient", inWrt=k, **wanted) for k in range(len(parts))])
    ours = objective.value_and_gradient(start)
    assert ours[0] == value and ours[1].tolist() == gradient.tolist()

    scipy = pytest.importorskip("scipy")
    assert scipy
    problem = cotangent.scipy.problem(sim)
    # the same point, as the scales round it
    z = problem.start
    value, gradient = problem.value_and_gradient(z)
    exact = objective.value_and_gradient(z * problem.scale)
    assert value == exact[0] and np.array_equal(gradient, exact[1] * problem.scale)


def test_jax_has_them(domain):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    sim, f, _ = domain
    by_name = cotangent.jax.function(sim, list(f.inputs), list(f.outputs))
    x, y_bar = f.present.copy(), np.cos(np.arange(f.m))

    def call(x):
        [y] = by_name({n: x[e].reshape(f.inputs[n].shape) for n, e in f._from.entries.items()}).values()
        return y.reshape(-1)

    def loss(x):
        return (call(x) * y_bar).sum()

    y, x_bar = f.pullback(x, y_bar)
    assert np.array_equal(jax.jit(call)(x), y)
    assert np.array_equal(jax.jit(jax.grad(loss))(x), x_bar)
    assert np.array_equal(jax.vmap(jax.grad(loss))(np.stack([x, x])), np.stack([x_bar, x_bar]))
    x_dot = np.sin(1.0 + np.arange(f.n))
    if f.has_second:
        second = jax.jvp(jax.grad(loss), (x,), (x_dot,))[1]
        assert np.array_equal(second, f.second(x, y_bar, x_dot))
    else:
        with pytest.raises(Exception, match="second derivatives"):
            jax.jvp(jax.grad(loss), (x,), (x_dot,))


def test_torch_has_them(domain):
    torch = pytest.importorskip("torch")
    sim, f, _ = domain
    by_name = cotangent.torch.function(sim, list(f.inputs), list(f.outputs))
    x, y_bar = f.present.copy(), np.cos(np.arange(f.m))
    inputs = {n: torch.tensor(v, requires_grad=True) for n, v in f.unpack_inputs(x).items()}
    [y] = by_name(inputs).values()
    y.backward(torch.from_numpy(y_bar).reshape(y.shape))
    values, x_bar = f.pullback(x, y_bar)
    assert np.array_equal(y.detach().numpy().reshape(-1), values)
    assert np.array_equal(np.concatenate([v.grad.numpy().reshape(-1) for v in inputs.values()]), x_bar)

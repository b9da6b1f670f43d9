"""`cotangent serve` as the clients of UM-Bridge and of Tesseract see it, beside the package's own values."""

import subprocess
import sys

import numpy as np
import pytest

MASSES = ("body.lower.mass", "body.upper.mass")
OUTPUT = "site.end.position"


@pytest.fixture
def serve(command, folder):
    """Starts servers; gives the address of each."""
    running = []

    def start(*words: str) -> str:
        server = subprocess.Popen(
            [command.program, "serve", "scenario.toml", "--port", "0", "--quiet", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(server)
        return server.stdout.readline().strip()

    yield start
    for server in running:
        server.terminate()
        assert server.wait(timeout=20) == 0


def test_um_bridge_s_client(serve, sim):
    umbridge = pytest.importorskip("umbridge")
    url = serve("--as", "um-bridge")
    assert umbridge.supported_models(url) == ["simulation", "objective"]
    model = umbridge.HTTPModel(url, "simulation")
    names = list(sim.function().inputs)
    f = sim.function(names, OUTPUT)
    x = [[1.2], [0.8]]
    flat = np.concatenate(x)
    assert (model.get_input_sizes(), model.get_output_sizes()) == ([1, 1], [93])
    assert model(x) == [f.values(flat).tolist()]
    y_bar = np.cos(np.arange(f.m))
    for k in range(2):
        assert model.gradient(0, k, x, y_bar.tolist()) == [f.pullback(flat, y_bar)[1][k]]
        x_dot = np.eye(2)[k]
        assert model.apply_jacobian(0, k, x, [1.0]) == f.pushforward(flat, x_dot)[1].tolist()
    assert not model.supports_apply_hessian()
    objective = umbridge.HTTPModel(url, "objective")
    assert objective(x) == [[sim.objective.value(flat)]]
    with pytest.raises(Exception, match="outside"):
        objective([[-1.0], [1.0]])


def test_um_bridge_s_own_suite(serve, request, tmp_path):
    suite = request.config.getoption("--umbridge-suite")
    if suite is None:
        pytest.skip("name the folder testing/protocol_conformity_1.0 of UM-Bridge with --umbridge-suite")
    url = serve("--as", "um-bridge")
    words = ["-q", "-p", "no:cacheprovider", f"--model_url={url}", "--input_value=1.0", "test_model_schema.py"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=suite, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and "failed" not in done.stdout


def test_tesseract_s_client_and_jax_through_it(serve, sim):
    core = pytest.importorskip("tesseract_core")
    url = serve("--as", "tesseract")
    t = core.Tesseract.from_url(url)
    assert t.health() == {"status": "ok"}
    f = sim.function(MASSES, OUTPUT)
    x = np.array([0.8, 1.2])
    inputs = dict(zip(MASSES, x))
    assert np.array_equal(t.apply(inputs)[OUTPUT].reshape(-1), f.values(x))
    jacobian = t.jacobian(inputs, jac_inputs=list(MASSES), jac_outputs=[OUTPUT])[OUTPUT]
    ours = f.jacobian(x)[1]
    for k, name in enumerate(MASSES):
        assert np.array_equal(jacobian[name].reshape(-1), ours[:, k])
    y_bar = np.cos(np.arange(f.m))
    vjp = t.vector_jacobian_product(
        inputs, vjp_inputs=list(MASSES), vjp_outputs=[OUTPUT], cotangent_vector={OUTPUT: y_bar.reshape(31, 3)}
    )
    assert np.array_equal([float(vjp[n]) for n in MASSES], f.pullback(x, y_bar)[1])
    jvp = t.jacobian_vector_product(
        inputs, jvp_inputs=[MASSES[0]], jvp_outputs=[OUTPUT], tangent_vector={MASSES[0]: np.array(1.0)}
    )
    assert np.array_equal(jvp[OUTPUT].reshape(-1), f.pushforward(x, np.array([1.0, 0.0]))[1])
    with pytest.raises(Exception, match="body.middle.mass"):
        t.apply({"body.middle.mass": np.array(1.0)})

    jax = pytest.importorskip("jax")
    bridge = pytest.importorskip("tesseract_jax")
    jax.config.update("jax_enable_x64", True)

    def loss(x):
        y = bridge.apply_tesseract(t, dict(zip(MASSES, x)))[OUTPUT]
        return (y.reshape(-1) * y_bar).sum()

    assert np.array_equal(jax.grad(loss)(x), f.pullback(x, y_bar)[1])
    assert np.array_equal(jax.jit(jax.grad(loss))(x), f.pullback(x, y_bar)[1])


def sampled(model):
    """The value of a model of UM-Bridge, of inputs of one number each, as an operation of PyMC's with its gradient."""
    import pytensor.tensor as pt
    from pytensor.graph.basic import Apply
    from pytensor.graph.op import Op

    def vectors(x):
        return [[float(v)] for v in x]

    class Slope(Op):
        def make_node(self, x, scale):
            return Apply(self, [pt.as_tensor(x), pt.as_tensor(scale)], [pt.dvector()])

        def perform(self, node, inputs, outputs):
            x, scale = inputs
            parts = [model.gradient(0, k, vectors(x), [float(scale)]) for k in range(len(x))]
            outputs[0][0] = np.concatenate(parts)

    class Value(Op):
        def make_node(self, x):
            return Apply(self, [pt.as_tensor(x)], [pt.dscalar()])

        def perform(self, node, inputs, outputs):
            outputs[0][0] = np.asarray(model(vectors(inputs[0]))[0][0])

        def grad(self, inputs, output_grads):
            return [Slope()(inputs[0], output_grads[0])]

    return Value()


def test_pymc_samples_two_parameters(serve, sim):
    umbridge, pymc = pytest.importorskip("umbridge"), pytest.importorskip("pymc")
    objective = sampled(umbridge.HTTPModel(serve("--as", "um-bridge"), "objective"))
    spread = 0.05
    with pymc.Model():
        # masses are positive wherever the sampler tries
        z = pymc.Normal("z", shape=2)
        pymc.Potential("likelihood", -objective(1.3 * pymc.math.exp(spread * z)))
        drawn = pymc.sample(
            draws=150, tune=150, chains=2, cores=1, random_seed=1, progressbar=False, compute_convergence_checks=False
        )
    drawn = np.asarray(drawn.posterior["z"]).reshape(-1, 2)

    # the normal distribution at the greatest density, by Newton's method on the exact gradient and Gauss-Newton's Hessian
    x = np.zeros(2)
    for _ in range(30):
        masses = 1.3 * np.exp(spread * x)
        r, jacobian = sim.objective.residuals(masses), sim.objective.jacobian(masses) * (spread * masses)
        precision = jacobian.T @ jacobian + np.eye(2)
        x = x - np.linalg.solve(precision, jacobian.T @ r + x)
    deviation = np.sqrt(np.diag(np.linalg.inv(precision)))
    assert np.all(np.abs(drawn.mean(axis=0) - x) < 0.35 * deviation), (drawn.mean(axis=0), x, deviation)
    assert np.all(np.abs(drawn.std(axis=0) / deviation - 1) < 0.3), (drawn.std(axis=0), deviation)

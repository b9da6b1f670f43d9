"""The same map in SciPy, JAX and torch."""

import numpy as np
import pytest

MASSES = ("body.upper.mass", "body.lower.mass")
OUTPUT = "site.end.position"


@pytest.fixture
def f(sim):
    return sim.function(MASSES, OUTPUT)


def test_scipy_finds_the_answer_by_both_ways(sim):
    pytest.importorskip("scipy")
    problem = __import__("cotangent").scipy.problem(sim)
    value, gradient = problem.value_and_gradient(problem.start)
    assert value == sim.objective.value(problem.start * problem.scale)
    assert np.array_equal(gradient, sim.objective.gradient(problem.start * problem.scale) * problem.scale)
    squares, descent = problem.least_squares(), problem.minimize()
    assert squares.success and descent.fun == pytest.approx(squares.cost, rel=1e-3)
    assert set(problem.x(squares.x)) == set(MASSES)


class TestJax:
    @pytest.fixture(autouse=True)
    def jax(self):
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        return jax

    @pytest.fixture
    def call(self, sim):
        import cotangent.jax

        by_name = cotangent.jax.function(sim, MASSES, OUTPUT)
        return lambda x: by_name(dict(zip(MASSES, x)))[OUTPUT]

    def test_value_gradient_and_tangent_have_the_simulation_s_bits(self, jax, f, call):
        x, y_bar = np.array([1.2, 0.8]), np.cos(np.arange(f.m))
        assert np.array_equal(call(x).reshape(-1), f.values(x))
        assert np.array_equal(jax.jit(call)(x).reshape(-1), f.values(x))
        loss = lambda x: (call(x).reshape(-1) * y_bar).sum()  # noqa: E731
        assert np.array_equal(jax.grad(loss)(x), f.pullback(x, y_bar)[1])
        assert np.array_equal(jax.jit(jax.grad(loss))(x), f.pullback(x, y_bar)[1])
        x_dot = np.array([1.0, -2.0])
        y, y_dot = jax.jvp(call, (x,), (x_dot,))
        assert np.array_equal(y_dot.reshape(-1), f.pushforward(x, x_dot)[1])
        rows = jax.jacrev(call)(x).reshape(f.m, 2)
        np.testing.assert_allclose(rows, f.jacobian(x)[1], rtol=1e-10, atol=1e-14)
        columns = jax.jacfwd(call)(x).reshape(f.m, 2)
        assert np.array_equal(columns, np.stack([f.pushforward(x, e)[1] for e in np.eye(2)], axis=1))

    def test_batches_of_values_and_of_gradients(self, jax, f, call):
        batch = np.array([[1.2, 0.8], [0.9, 1.1], [1.0, 1.0]])
        one_by_one = np.stack([f.values(x) for x in batch])
        assert np.array_equal(jax.vmap(call)(batch).reshape(3, -1), one_by_one)
        loss = lambda x: (call(x) ** 2).sum()  # noqa: E731
        gradients = jax.vmap(jax.grad(loss))(batch)
        assert np.array_equal(gradients, np.stack([jax.grad(loss)(x) for x in batch]))
        of_all = jax.grad(lambda b: jax.vmap(loss)(b).sum())(batch)
        np.testing.assert_allclose(of_all, gradients, rtol=1e-14)

    def test_what_does_not_fit_is_named(self, jax, sim, call):
        import cotangent

        g = cotangent.jax.function(sim, MASSES, OUTPUT)
        with pytest.raises(cotangent.InputError, match="shape"):
            g({"body.upper.mass": np.ones(2)})
        with pytest.raises(cotangent.InputError, match="no input"):
            g({"body.middle.mass": 1.0})
        jax.config.update("jax_enable_x64", False)
        with pytest.raises(cotangent.InputError, match="jax_enable_x64"):
            call(np.array([1.0, 1.0]))
        jax.config.update("jax_enable_x64", True)
        with pytest.raises(Exception, match="second derivatives"):
            jax.jvp(jax.grad(lambda x: call(x).sum()), (np.ones(2),), (np.ones(2),))


def test_torch_s_own_check_of_gradients_passes(sim, f):
    torch = pytest.importorskip("torch")
    import cotangent.torch

    by_name = cotangent.torch.function(sim, MASSES, OUTPUT)
    call = lambda x: by_name(dict(zip(MASSES, x)))[OUTPUT]  # noqa: E731
    x = torch.tensor([1.2, 0.8], dtype=torch.float64, requires_grad=True)
    y = call(x)
    assert np.array_equal(y.detach().numpy().reshape(-1), f.values(x.detach().numpy()))
    y_bar = torch.cos(torch.arange(f.m, dtype=torch.float64)).reshape(y.shape)
    y.backward(y_bar)
    assert np.array_equal(x.grad.numpy(), f.pullback(x.detach().numpy(), y_bar.numpy().reshape(-1))[1])
    assert torch.autograd.gradcheck(call, (x,))
    scalar = {"dtype": torch.float64}
    for wrong, said in [
        (torch.tensor(1.0), "float64"),
        (torch.ones(2, **scalar), "shape"),
        (torch.tensor(1.0, device="meta", **scalar), "cpu"),
        (torch.tensor(float("nan"), **scalar), "body.upper.mass"),
        (torch.tensor(-1.0, **scalar), "outside"),
    ]:
        with pytest.raises(cotangent.InputError, match=said):
            by_name({"body.upper.mass": wrong})
    with pytest.raises(cotangent.InputError, match="no input"):
        by_name({"body.middle.mass": torch.tensor(1.0, **scalar)})

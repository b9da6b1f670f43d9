"""Gradient of a Lotka-Volterra fit in diffrax: jit, one thread, process CPU time.

    pip install "jax[cpu]" diffrax        (measured with jax 0.10.2, diffrax 0.7.2)
    python lotka_volterra_diffrax.py REPEATS

The sum of the squares of the differences of the logarithms of hare and lynx, 1900 to 1920, with respect to four rates and two starts;
Tsit5 at rtol 1e-6, atol 1e-8. Prints one line a variant: name, best CPU seconds, value, gradient.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import diffrax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

HARE = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7]
LYNX = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]
data = jnp.log(jnp.array([HARE, LYNX])).T
years = jnp.arange(21.0)


def rate(t, y, p):
    return jnp.array([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])


def loss(adjoint):
    def f(p):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rate), diffrax.Tsit5(), 0.0, 20.0, None, p[4:], args=p[:4],
            saveat=diffrax.SaveAt(ts=years), adjoint=adjoint, max_steps=4096,
            stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-8),
        )
        return 0.5 * jnp.sum((jnp.log(solution.ys) - data) ** 2)
    return f


repeats = int(sys.argv[1])
x = jnp.array([0.55, 0.028, 0.84, 0.026, 30.0, 4.0])
recursive = loss(diffrax.RecursiveCheckpointAdjoint())
forward = loss(diffrax.ForwardMode())
variants = {
    "primal": jax.jit(lambda p: (recursive(p), p)),
    "reverse": jax.jit(jax.value_and_grad(recursive)),
    "forward": jax.jit(lambda p: (forward(p), jax.jacfwd(forward)(p))),
}
for name, f in variants.items():
    value, g = f(x)
    cpu = one_thread.best(lambda: jax.block_until_ready(f(x)), repeats)
    print(name, f"{cpu:.9e}", f"{value:.17g}", *(f"{v:.17g}" for v in g))

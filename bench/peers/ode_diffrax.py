"""Differential equations in diffrax: gradients by reverse mode, one thread, process CPU time.

    pip install "jax[cpu]" diffrax        (measured with jax 0.10.2, diffrax 0.7.2)
    python ode_diffrax.py hares|network REPEATS

As a user writes it, with the step control, the tolerances and the method of the other side: Tsit5, 1e-6. Both of diffrax' ways to
differentiate its own steps are tried, and the faster one is told. Prints: name, best CPU seconds, steps, the loss, its derivatives.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import diffrax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

TOLERANCE = 1e-6
#: The neural differential equation's sizes: 28 (4 + 1 + 4) = 252 weights.
STATE, HIDDEN, END = 4, 28, 10.0


def integrated(rate, start, p, end, saved, adjoint):
    control = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    term, method = diffrax.ODETerm(lambda t, y, p: rate(y, p)), diffrax.Tsit5()
    return diffrax.diffeqsolve(
        term, method, t0=0.0, t1=end, dt0=None, y0=start, args=p, saveat=saved, stepsize_controller=control,
        max_steps=4096, adjoint=adjoint,
    )


def hares(x, adjoint):
    """Hare and lynx, 1900 to 1920: the sum of the logarithms of both at the end of every year."""

    def rate(y, p):
        return jnp.stack([(p[0] - p[1] * y[1]) * y[0], (p[3] * y[0] - p[2]) * y[1]])

    years = diffrax.SaveAt(ts=jnp.arange(1.0, 21.0))
    found = integrated(rate, x[4:], x[:4], 20.0, years, adjoint)
    return jnp.sum(jnp.log(found.ys)), found.stats["num_steps"]


def network(x, adjoint):
    """`y' = W2 tanh(W1 y + b)` from a fixed start: the square of the end."""
    inner, bias, outer = jnp.split(x, [HIDDEN * STATE, HIDDEN * (STATE + 1)])
    weights = inner.reshape(HIDDEN, STATE), bias, outer.reshape(STATE, HIDDEN)

    def rate(y, p):
        return p[2] @ jnp.tanh(p[0] @ y + p[1])

    start = 0.5 - 0.3 * jnp.arange(STATE)
    found = integrated(rate, start, weights, END, diffrax.SaveAt(t1=True), adjoint)
    return jnp.sum(found.ys[-1] ** 2), found.stats["num_steps"]


points = {
    "hares": (hares, jnp.array([0.55, 0.028, 0.80, 0.024, 33.956, 5.933])),
    "network": (network, jnp.cos(0.3 * jnp.arange(252.0) ** 2)),
}
name, repeats = sys.argv[1], int(sys.argv[2])
loss, x = points[name]
best = None
for adjoint in (diffrax.RecursiveCheckpointAdjoint(), diffrax.DirectAdjoint()):
    f = jax.jit(jax.value_and_grad(lambda x: loss(x, adjoint), has_aux=True))
    seconds = one_thread.best(lambda: jax.block_until_ready(f(x)), repeats)
    if best is None or seconds < best[0]:
        best = seconds, f(x)
seconds, ((value, steps), g) = best
print(name, f"{seconds:.9e}", int(steps), f"{value:.17g}", *(f"{v:.17g}" for v in g))

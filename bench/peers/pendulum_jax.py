"""The pendulum row in JAX: jit(grad) of a scan, one thread, process CPU time.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python pendulum_jax.py STEPS REPEATS

Prints one line a variant, as pendulum.c does: name, best CPU seconds, L, dL/dk, dL/dc, dL/da.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402

DT = 1e-3
steps, repeats = int(sys.argv[1]), int(sys.argv[2])


def loss(p):
    def step(state, _):
        th, w = state
        w = w + DT * (p[2] - (p[0] * jnp.sin(th) + p[1] * w))
        return (th + DT * w, w), None

    (th, w), _ = jax.lax.scan(step, (1.0, 0.0), None, length=steps)
    return th * th + w * w

x = jnp.array([9.81, 0.1, 0.5])
primal = jax.jit(lambda p: (loss(p), p))
reverse = jax.jit(jax.value_and_grad(loss))
for name, f in (("primal", primal), ("reverse", reverse)):
    value, g = f(x)
    print(name, f"{one_thread.best(lambda: jax.block_until_ready(f(x)), repeats):.9e}", f"{value:.17g}", *(f"{v:.17g}" for v in g))

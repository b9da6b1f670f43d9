"""The gradient of a scan whose state is a tuple of scalars, in JAX (its issue 40150), one thread, process CPU time.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python scan_jax.py STATES STEPS REPEATS

Prints: name, best CPU seconds, the loss and its derivatives.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402

states, steps, repeats = (int(a) for a in sys.argv[1:4])


def loss(p):
    def step(x, _):
        nearby = x[1:] + x[:1]
        return tuple(a + 0.01 * (p[0] * jnp.sin(b) - p[1] * a) for a, b in zip(x, nearby)), None

    start = tuple(jnp.asarray(0.1 * (k + 1) / states) for k in range(states))
    end, _ = jax.lax.scan(step, start, None, length=steps)
    return sum(x * x for x in end)


x = jnp.array([1.1, 0.8])
f = jax.jit(jax.value_and_grad(loss))
value, g = f(x)
seconds = one_thread.best(lambda: jax.block_until_ready(f(x)), repeats)
print("reverse", f"{seconds:.9e}", f"{value:.17g}", *(f"{v:.17g}" for v in g))

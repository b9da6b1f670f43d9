"""The heat row in JAX: ten implicit steps on a grid, gradient and Hessian-vector product by all conductivities, one thread.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python heat_jax.py SIDE STEPS REPEATS

As a user writes it: conjugate gradients on the five-point stencil within a scan. Prints one line a variant: name, best CPU
seconds, the loss, then the derivative along a fixed direction.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402
from jax.scipy.sparse.linalg import cg  # noqa: E402

RATE = 10.0  # a time step of 1e-3 on the unit square
side, steps, repeats = (int(a) for a in sys.argv[1:4])
n = side * side
number = jnp.arange(n)
row, column = number // side, number % side
start = jnp.exp(-0.01 * ((row - 0.3 * side) ** 2 + (column - 0.4 * side) ** 2)).reshape(side, side)
conductivity = (1.0 + 0.5 * jnp.sin(0.1 * number)).reshape(side, side)
direction = (1.0 + 0.5 * jnp.cos(0.01 * number)).reshape(side, side)


def flow(k, u):
    down = 0.5 * RATE * (k[1:] + k[:-1]) * (u[1:] - u[:-1])
    right = 0.5 * RATE * (k[:, 1:] + k[:, :-1]) * (u[:, 1:] - u[:, :-1])
    out = u.at[:-1].add(-down).at[1:].add(down)
    return out.at[:, :-1].add(-right).at[:, 1:].add(right)


def loss(k):
    def step(u, _):
        return cg(lambda x: flow(k, x), u, tol=1e-12, maxiter=2000)[0], None

    u, _ = jax.lax.scan(step, start, None, length=steps)
    return jnp.sum(u**2 * (1.0 + column.reshape(side, side) / side))


value = jax.jit(lambda k: (loss(k), 0.0))
gradient = jax.jit(lambda k: (lambda y, g: (y, jnp.vdot(g, direction), g))(*jax.value_and_grad(loss)(k)))
second = jax.jit(lambda k: (lambda h: (0.0, jnp.vdot(h, direction), h))(jax.jvp(jax.grad(loss), (k,), (direction,))[1]))
for name, f in (("value", value), ("gradient", gradient), ("hvp", second)):
    found = f(conductivity)
    seconds = one_thread.best(lambda: jax.block_until_ready(f(conductivity)), repeats)
    print(name, f"{seconds:.9e}", f"{float(found[0]):.17g}", f"{float(found[1]):.17g}")

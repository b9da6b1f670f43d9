"""ADBench's LSTM in JAX: jit(value_and_grad) of a scan, one thread, process CPU time.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python lstm_jax.py LSTM_FILE REPEATS

Prints one line a variant: name, best CPU seconds, value, norm of the gradient. Formulas: adbench/lstm.rs.
"""
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402

v = [float(w) for w in open(sys.argv[1]).read().split()]
repeats = int(sys.argv[2])
layers, c, b = (int(w) for w in v[:3])
main, rest = v[3 : 3 + 8 * layers * b], v[3 + 8 * layers * b :]
extra, rest = rest[: 3 * b], rest[3 * b :]
state, sequence = rest[: 2 * layers * b], rest[2 * layers * b :][: c * b]
p = (jnp.array(main).reshape(2 * layers, 4 * b), jnp.array(extra).reshape(3, b))
state, sequence = jnp.array(state).reshape(2 * layers, b), jnp.array(sequence).reshape(c, b)
sigmoid = jax.nn.sigmoid


def objective(p):
    P, E = p

    def step(s, xy):
        x, y = xy
        x, after = x * E[0], []
        for k in range(layers):
            (wf, wi, wo, wg), (bf, bi, bo, bg) = P[2 * k].reshape(4, b), P[2 * k + 1].reshape(4, b)
            h, cell = s[2 * k], s[2 * k + 1]
            cell = cell * sigmoid(x * wf + bf) + sigmoid(h * wi + bi) * jnp.tanh(h * wg + bg)
            x = sigmoid(x * wo + bo) * jnp.tanh(cell)
            after += [x, cell]
        o = x * E[1] + E[2]
        return jnp.stack(after), (y * (o - jnp.log(jnp.exp(o).sum() + 2))).sum()

    _, shares = jax.lax.scan(step, state, (sequence[:-1], sequence[1:]))
    return -shares.sum() / ((c - 1) * b)

f, g = jax.jit(objective), jax.jit(jax.value_and_grad(objective))
print("objective", f"{one_thread.best(lambda: jax.block_until_ready(f(p)), repeats):.9e}", f"{float(f(p)):.17g}")
value, gradient = g(p)
norm = jnp.sqrt(sum((x**2).sum() for x in gradient))
print("gradient", f"{one_thread.best(lambda: jax.block_until_ready(g(p)), repeats):.9e}", f"{float(value):.17g}", f"{float(norm):.17g}")

"""ADBench's Gaussian mixture in JAX: jit(value_and_grad), one thread, process CPU time.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python adbench_jax.py GMM_FILE REPEATS

Prints one line a variant: name, best CPU seconds, value, norm of the gradient. Formulas: adbench/gmm.rs.
"""
import math
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

v = [float(w) for w in open(sys.argv[1]).read().split()]
repeats = int(sys.argv[2])
d, k, n = (int(w) for w in v[:3])
t = d * (d + 1) // 2
size = k + k * d + k * t
p = jnp.array(v[3 : 3 + size])
x = jnp.array(v[3 + size : 3 + size + n * d]).reshape(n, d)
gamma, m = v[3 + size + n * d :]
pairs = [(i, j) for j in range(d) for i in range(j + 1, d)]
I, J = np.array([i for i, _ in pairs]), np.array([j for _, j in pairs])
N = d + m + 1
log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (N - j)) for j in range(d))
constant = k * (N * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma) - n * d * 0.5 * math.log(2 * math.pi)
lse = jax.scipy.special.logsumexp


def objective(p):
    alpha, mu = p[:k], p[k : k + k * d].reshape(k, d)
    f = p[k + k * d :].reshape(k, t)
    q, lower = f[:, :d], f[:, d:]
    diagonal, logs = jnp.exp(q), q.sum(1)
    L = jnp.zeros((k, d, d)).at[:, I, J].set(lower)
    u = x[:, None, :] - mu[None]
    y = diagonal[None] * u + jnp.einsum("kij,nkj->nki", L, u)
    beta = alpha + logs - 0.5 * (y**2).sum(2)
    squares = (diagonal**2).sum() + (lower**2).sum()
    return lse(beta, axis=1).sum() - n * lse(alpha) + constant - 0.5 * gamma**2 * squares + m * logs.sum()

f, g = jax.jit(objective), jax.jit(jax.value_and_grad(objective))
print("objective", f"{one_thread.best(lambda: jax.block_until_ready(f(p)), repeats):.9e}", f"{float(f(p)):.17g}")
value, gradient = g(p)
print("gradient", f"{one_thread.best(lambda: jax.block_until_ready(g(p)), repeats):.9e}", f"{float(value):.17g}", f"{float(jnp.linalg.norm(gradient)):.17g}")

"""Loss and gradient of H2 training through the self-consistent field, in JAX on one thread.

    pip install jax==0.10.2 scipy
    python ksr_jax.py REPEATS

The experiment of Li et al. (2021) re-implemented: 513 points, 15 steps, KSR-global of 1568 parameters, molecules at R = 1.28
and 3.84, reverse mode through the unrolled trajectory. `dense` diagonalises every Hamiltonian in full, as the authors'
code does; `fast` takes the lowest pair of the banded matrix and one banded solve for its adjoint, and builds the kernels
once an evaluation. The references are stand-ins (E = -2, the starting density): only cost and agreement matter.
Prints `name cpu_seconds loss gradient_norm gradient[0] gradient[15] gradient[800] gradient[1567]`.
"""
import pathlib
import sys

import one_thread

jax = one_thread.double_jax()
import jax.numpy as jnp  # noqa: E402
import numpy as np
import scipy.linalg as sl

sys.path.append(str(pathlib.Path(__file__).parents[2] / "dft" / "peers"))
from network_jax import A, H, KAPPA, N, W, exchange_correlation, kernels, split, theta, x  # noqa: E402

STEPS, SKIP, MIXING, DECAY, DISCOUNT, ELECTRONS = 15, 10, 0.5, 0.9, 0.9, 2
stencil = ((0, -2.5), (1, 4 / 3), (-1, 4 / 3), (2, -1 / 12), (-2, -1 / 12))
T = -0.5 / H**2 * sum(c * np.eye(N, k=k) for k, c in stencil)
band = np.zeros((3, N))
band[2], band[1, 1:], band[0, 2:] = T[0, 0], T[0, 1], T[0, 2]


def lowest_banded(v):
    b = band.copy()
    b[2] += np.asarray(v)
    e, u = sl.eig_banded(b, select="i", select_range=(0, 0))
    return e[0], u[:, 0]


def adjoint_banded(v, e, u, bar):
    ab = np.zeros((5, N))
    ab[2] = band[2] + np.asarray(v) - e + 1e-9
    ab[1, 1:] = ab[3, :-1] = band[1, 1:]
    ab[0, 2:] = ab[4, :-2] = band[0, 2:]
    y = sl.solve_banded((2, 2), ab, bar - u * np.dot(u, bar))
    return y - u * np.dot(u, y)


@jax.custom_vjp
def lowest_fast(v):
    shape = (jax.ShapeDtypeStruct((), jnp.float64), jax.ShapeDtypeStruct((N,), jnp.float64))
    return jax.pure_callback(lowest_banded, shape, v, vmap_method="sequential")


def forward(v):
    e, u = lowest_fast(v)
    return (e, u), (v, e, u)


def backward(saved, bar):
    v, e, u = saved
    shape = jax.ShapeDtypeStruct((N,), jnp.float64)
    y = jax.pure_callback(adjoint_banded, shape, v, e, u, bar[1], vmap_method="sequential")
    return (bar[0] * u * u - y * u,)


lowest_fast.defvjp(forward, backward)


def lowest_dense(v):
    e, u = jnp.linalg.eigh(T + jnp.diag(v))
    return e[0], u[:, 0]


def trajectory(p, start, v, lowest):
    def body(carry, _):
        n, alpha = carry
        potential = v + W @ n * H + jax.grad(exchange_correlation)(n, p) / H
        e, u = lowest(potential)
        out = 2 * u**2 / H
        energy = 2 * e - jnp.dot(out, potential) * H + 0.5 * jnp.dot(out, W @ out) * H**2
        energy += exchange_correlation(out, p) + jnp.dot(out, v) * H
        n = n + alpha * (0.5 * (out + out[::-1]) - n)
        return (n, alpha * DECAY), energy

    (n, _), energies = jax.lax.scan(body, (start, MIXING), None, length=STEPS)
    return n, energies


potentials, starts = [], []
for R in (1.28, 3.84):
    v = -A * (np.exp(-KAPPA * np.abs(x - R / 2)) + np.exp(-KAPPA * np.abs(x + R / 2)))
    potentials.append(v)
    starts.append(2 * np.linalg.eigh(T + np.diag(v))[1][:, 0] ** 2 / H)
potentials, starts = np.array(potentials), np.array(starts)
weights = DISCOUNT ** np.arange(STEPS - SKIP - 1, -1, -1)


def loss(theta, lowest, builds_once):
    p = split(theta)
    p += [kernels(p[0])] if builds_once else []
    n, energies = jax.vmap(lambda s, v: trajectory(p, s, v, lowest))(starts, potentials)
    energy = jnp.mean((energies[:, SKIP:] + 2.0) ** 2 @ weights) / ELECTRONS
    return energy + jnp.mean((n - starts) ** 2) * H * N / ELECTRONS


for name, lowest, builds_once in (("fast", lowest_fast, True), ("dense", lowest_dense, False)):
    f = jax.jit(jax.value_and_grad(lambda t: loss(t, lowest, builds_once)))
    seconds = one_thread.best(lambda: jax.block_until_ready(f(theta)), int(sys.argv[1]))
    value, gradient = f(theta)
    g = np.asarray(gradient)
    print(name, seconds, float(value), float(np.sqrt(g @ g)), g[0], g[15], g[800], g[1567], flush=True)

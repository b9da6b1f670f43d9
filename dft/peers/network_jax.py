"""The KSR-global network in JAX, which shares nothing with the crate; run by itself it prints the golden numbers of its test.

    pip install jax==0.10.2 numpy==2.4.6
    python network_jax.py

Weights and density are formulas, so that both sides have the same. Dense kernels, automatic differentiation. Prints
E_xc, v_xc at some points, and of L = 0.7 E_xc + sum_i b_i v_i the gradients by some parameters and by the density at some points,
with the sums of squares of both.
"""
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
A, KAPPA, N, H = 1.071295, 1 / 2.385345, 513, 0.08
x = (np.arange(N) - N // 2) * H
distance = abs(x[:, None] - x[None, :])
W = A * np.exp(-KAPPA * distance)
shapes = ((15,), (3, 16, 16), (3, 16, 16), (1, 16, 1), ())
count = sum(int(np.prod(s)) for s in shapes)
theta = 0.3 * np.sin(1.7 * np.arange(count) + 0.4)
theta[-1] = 0.9


def split(p):
    at, blocks = 0, []
    for s in shapes:
        size = int(np.prod(s))
        blocks.append(p[at : at + size].reshape(s))
        at += size
    return blocks


def kernels(eta):
    length = 0.1 + (2.385345 - 0.1) / (1 + jnp.exp(-eta))
    return jax.vmap(lambda l: jnp.exp(-distance / l) * H / (2 * l))(length)


def convolve(f, w):
    if w.shape[0] == 1:
        return f @ w[0]
    f = jnp.pad(f, ((1, 1), (0, 0)))
    return f[:-2] @ w[0] + f[1:-1] @ w[1] + f[2:] @ w[2]


def silu(z):
    return z / (1 + jnp.exp(-z))


def eps(p, n):
    """Energy per electron; `p` is split, with the kernels at the end where they are built beforehand."""
    eta, w1, w2, w3, width, *built = p
    kernel = built[0] if built else kernels(eta)
    features = jnp.concatenate([n[:, None], jnp.einsum("cxy,y->xc", kernel, n)], 1)
    e = -silu(convolve(silu(convolve(silu(convolve(features, w1)), w2)), w3))[:, 0]
    beta = jnp.exp(-(((n.sum() * H - 1) / width) ** 2))
    return beta * -0.5 * (W @ n) * H + (1 - beta) * e


def exchange_correlation(n, p):
    n = 0.5 * (n + n[::-1])
    e = eps(p, n)
    return jnp.dot(n, 0.5 * (e + e[::-1])) * H


def main():
    density = 0.8 * np.exp(-((x - 0.6) ** 2) / 1.5) + 0.5 * np.exp(-((x + 0.9) ** 2) / 0.8)
    b = np.sin(0.11 * np.arange(N))

    def energy(n, p):
        return exchange_correlation(n, split(p))

    def potential(n, p):
        return jax.grad(energy)(n, p) / H

    def loss(n, p):
        return 0.7 * energy(n, p) + jnp.dot(b, potential(n, p))

    points = [200, 230, 256, 270, 300]
    parameters = [0, 7, 14, 15, 400, 782, 783, 1200, 1550, 1551, 1566, 1567]
    by_n, by_p = jax.grad(loss, (0, 1))(density, theta)
    v = potential(density, theta)
    print(jax.__version__, np.__version__, count)
    print("energy", repr(float(energy(density, theta))))
    print("potential", [(i, float(v[i])) for i in points])
    print("by density", [(i, float(by_n[i])) for i in points], float(by_n @ by_n))
    print("by parameters", [(i, float(by_p[i])) for i in parameters], float(by_p @ by_p))


if __name__ == "__main__":
    main()

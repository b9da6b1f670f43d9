"""The pendulum row in JAX: jit(grad) of a scan, one thread, process CPU time.

    pip install "jax[cpu]"        (measured with 0.10.2)
    python pendulum_jax.py STEPS REPEATS

Prints one line a variant, as pendulum.c does: name, best CPU seconds, L, dL/dk, dL/dc, dL/da.
"""
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["OMP_NUM_THREADS"] = "1"
import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
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


def best(f, x):
    f(x)[0].block_until_ready()
    times = []
    for _ in range(repeats):
        t = time.process_time()
        f(x)[0].block_until_ready()
        times.append(time.process_time() - t)
    return min(times)


x = jnp.array([9.81, 0.1, 0.5])
primal = jax.jit(lambda p: (loss(p), p))
reverse = jax.jit(jax.value_and_grad(loss))
for name, f in (("primal", primal), ("reverse", reverse)):
    value, g = f(x)
    print(name, f"{best(f, x):.9e}", f"{value:.17g}", *(f"{v:.17g}" for v in g))

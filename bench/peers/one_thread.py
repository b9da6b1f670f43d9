"""One thread on one processor, for every Python peer; import it before numpy and jax.

Process CPU time counts all threads. XLA and Dr.Jit hand work to a worker thread while the caller waits by spinning, so a peer that
may use two processors is charged for both: a gradient of ADBench's mixture 8 to 13 ms instead of 6.
"""
import os
import time

XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["XLA_FLAGS"] = XLA
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def double_jax():
    """JAX in double precision on the CPU."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


def best(f, repeats):
    """Least CPU seconds of a call, after one that compiles."""
    f()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        f()
        times.append(time.process_time() - start)
    return min(times)

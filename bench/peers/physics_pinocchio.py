"""Derivatives of forward dynamics by Pinocchio: prints `aba seconds` and `derivatives seconds ddq_dq ddq_dv`, matrices row by row.

    python physics_pinocchio.py MODEL.xml REPEATS BATCH Q... V...

Written for pin 4.1.0. The model is a tree of slides and hinges, a joint for each body. A call from Python costs some tenths of a microsecond beside the work.
"""

import sys
import time

import numpy as np
import pinocchio

repeats, batch = int(sys.argv[2]), int(sys.argv[3])
model = pinocchio.buildModelFromMJCF(sys.argv[1])
data = model.createData()
numbers = np.array(sys.argv[4:], dtype=float)
q, v = numbers[: model.nq], numbers[model.nq :]
tau = np.zeros(model.nv)


def timed(work):
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(batch):
            work()
        best = min(best, (time.process_time() - start) / batch)
    return best


print("aba", timed(lambda: pinocchio.aba(model, data, q, v, tau)))
seconds = timed(lambda: pinocchio.computeABADerivatives(model, data, q, v, tau))
by_q, by_v = np.array(data.ddq_dq), np.array(data.ddq_dv)
print("derivatives", seconds, *by_q.ravel(), *by_v.ravel())

"""A pullback through the Python package: least CPU seconds of a call.

Prints `pullback CPU_SECONDS`. Needs the package `cotangent` of this repository (`pip install ./python`) and NumPy.
"""
import sys
import time

import numpy as np

import cotangent

cotangent.set_threads(1)
f = cotangent.load(sys.argv[1]).function(["body.*.mass"], ["joint.elbow.position"])
x, y_bar = f.present, np.ones(f.m)
f.pullback(x, y_bar)
best = float("inf")
for _ in range(5):
    start = time.process_time()
    for _ in range(2000):
        f.pullback(x, y_bar)
    best = min(best, (time.process_time() - start) / 2000)
print("pullback", best)

"""Makes problems.txt of the 27 files of nonlinear regression of NIST's Statistical Reference Datasets.

    python3 from_dat.py FOLDER > problems.txt

FOLDER holds Bennett5.dat, BoxBOD.dat, ... as NIST/ITL publishes them (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml). They are works
of the United States government and in the public domain. Python 3.11, nothing else.
"""

import re
import sys
from pathlib import Path


def numbers(text):
    return re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)


def wrapped(words, width=150):
    line = ""
    for word in words:
        if len(line) + len(word) > width:
            yield line
            line = ""
        line += " " + word
    yield line


print("# NIST/ITL Statistical Reference Datasets, nonlinear regression; written by from_dat.py.")
print("# level: 1 lower, 2 average, 3 higher difficulty. Then a line for each parameter: both starts, the certified value and its")
print("# standard deviation; the certified sum of squares; the observations, y first.")
for path in sorted(Path(sys.argv[1]).glob("*.dat"), key=lambda path: path.name.lower()):
    lines = path.read_text(errors="replace").splitlines()
    level = next(line for line in lines if "Level of Difficulty" in line).split()[0]
    print("problem", path.stem, "level", {"Lower": 1, "Average": 2, "Higher": 3}[level])
    for line in lines[:61]:
        found = re.match(r"\s+b\d+ =(.*)", line)
        if found:
            print("  ", *numbers(found[1]))
        if line.startswith("Residual Sum of Squares"):
            print("squares", *numbers(line))
    last = max(k for k, line in enumerate(lines) if line.startswith("Data:"))
    rows = [numbers(line) for line in lines[last + 1 :] if line.strip()]
    print("observations", len(rows), "of", len(rows[0]))
    for line in wrapped([word for row in rows for word in row]):
        print("  " + line)

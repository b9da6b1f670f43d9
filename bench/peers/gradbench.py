"""GradBench's own evaluations beside a tool of this repository.

    python gradbench.py CHECKOUT TOOL [EVAL...]

CHECKOUT is a copy of the repository gradbench/gradbench (commit f26651a of 2026-03-10), whose hand-written C++ (`tools/manual`) judges
every answer; TOOL is the program `cotangent-gradbench`. Each evaluation runs in a process of its own, as does the tool; messages go to
and fro as its command line passes them. Sizes are a quick part of the originals.

Prints a line for each evaluation: `NAME 0 ANSWERS VALID`. Needs numpy, scipy, pydantic and dataclasses-json, a C++ compiler and the header
of nlohmann-json.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

# the least that goes through every function of an evaluation, at more than one size
QUICK = {
    "hello": [],
    "gmm": ["-d", "2", "10", "20", "-k", "5", "25"],
    "ba": ["--min", "1", "--max", "2"],
    "ht": ["--min", "1", "--max", "5", "--variant", "complicated", "--model", "big"],
    "lstm": ["-l", "2", "4", "-c", "1024"],
    "det": ["-l", "5", "7", "9", "11"],
    "kmeans": ["-k", "10", "100", "-n", "1000", "10000", "-d", "8"],
    "llsq": ["-n", "16", "1024", "16392"],
    "lse": ["-n", "2500", "160000", "1280000"],
    "ode": ["-n", "1000", "10000", "-s", "1", "10", "100"],
    "particle": [],
    "saddle": [],
}


def run(checkout: Path, tool: str, name: str) -> tuple[int, int]:
    """Answers and valid ones of an evaluation."""
    path = str(checkout / "python" / "gradbench")
    words = [sys.executable, "-m", f"gradbench.evals.{name}.run", *QUICK[name]]
    if name != "hello":
        words += ["--min-seconds", "0"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    asking = subprocess.Popen(words, cwd=checkout, env={**os.environ, "PYTHONPATH": path}, **pipes)
    answering = subprocess.Popen([tool], **pipes)
    answers = valid = 0
    for line in asking.stdout:
        message = json.loads(line)
        if message["kind"] == "analysis":
            valid += message["valid"]
            if not message["valid"]:
                print(name, message.get("error", ""), file=sys.stderr)
        answering.stdin.write(line)
        answering.stdin.flush()
        answer = answering.stdout.readline()
        if message["kind"] == "evaluate":
            answers += 1
            said = json.loads(answer)
            if not said["success"]:
                print(name, said.get("error", ""), file=sys.stderr)
        asking.stdin.write(answer)
        asking.stdin.flush()
    if asking.wait() != 0:
        sys.exit(f"the evaluation {name} did not run")
    answering.stdin.close()
    answering.wait()
    return answers, valid


def main() -> None:
    checkout, tool = Path(sys.argv[1]).resolve(), str(Path(sys.argv[2]).resolve())
    judges = [n for n in QUICK if n not in ("particle", "saddle")]
    missing = [n for n in judges if not (checkout / "tools" / "manual" / "bin" / n).exists()]
    if missing:
        # they include it as `json.hpp`, which a distribution keeps in a folder of its own
        env = {**os.environ, "CPATH": os.pathsep.join(["/usr/include/nlohmann", os.environ.get("CPATH", "")])}
        subprocess.run(["make", "-C", checkout / "tools" / "manual", "all"], check=True, stdout=sys.stderr, env=env)
    text = checkout / "evals" / "lstm" / "data" / "lstm_full.txt"
    if not text.exists():  # left out of some copies for its size; any text will do
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text((checkout / "CONTRIBUTING.md").read_text() * 4)
    for name in sys.argv[3:] or QUICK:
        answers, valid = run(checkout, tool, name)
        print(name, 0, answers, valid, flush=True)


if __name__ == "__main__":
    main()

"""Submits an array of tasks to a running HyperQueue server by the client of `pip install hyperqueue`, which comes without `hq`.

    python hyperqueue.py SCRIPT TASKS NAME

The server is that of the environment's HQ_SERVER_DIR, or of ~/.hq-server.
"""
import os
import sys
from pathlib import Path

# this file has the name of the package
sys.path = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).parent.resolve()]
try:
    from hyperqueue import Client, Job
except ImportError:
    sys.exit("this Python has no module hyperqueue: pip install hyperqueue, or put `hq` on the PATH")

script, tasks, name = Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3]
server = Path(os.environ.get("HQ_SERVER_DIR") or Path.home() / ".hq-server")
if not (server / "hq-current").exists():
    sys.exit(f"no HyperQueue server is running at {server}: start one, or name its folder in HQ_SERVER_DIR")
job = Job(script.parent, max_fails=None, name=name)
for number in range(tasks):
    log = str(script.parent / f"log-{number}.txt")
    job.program(["bash", str(script)], env={"HQ_TASK_ID": str(number)}, stdout=log, stderr=log)
print(f"job {Client(server).submit(job).id} of {tasks} tasks")

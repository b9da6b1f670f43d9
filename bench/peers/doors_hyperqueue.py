"""A HyperQueue server with one worker of two cores in this process, until standard input is closed.

Prints the folder of the server. Needs `pip install hyperqueue` (0.27).
"""
import sys

from hyperqueue.cluster import LocalCluster, WorkerConfig

cluster = LocalCluster(sys.argv[1], WorkerConfig(cores=2))
print(cluster.cluster.server_dir, flush=True)
sys.stdin.read()
cluster.stop()

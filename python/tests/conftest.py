"""Scenarios that are small enough to be evaluated thousands of times."""

import shutil
import subprocess
from pathlib import Path

import pytest

import cotangent

SCENARIOS = Path(__file__).parents[2] / "scenarios"

PENDULUM = """<mujoco><option timestep="0.01"/><worldbody><body name="upper">
<joint name="shoulder" type="hinge" axis="0 1 0" damping="0.1"/>
<inertial pos="0 0 -0.5" mass="1" diaginertia="0.1 0.1 0.1"/>
<body name="lower" pos="0 0 -1"><joint name="elbow" type="hinge" axis="0 1 0" damping="0.1"/>
<inertial pos="0 0 -0.5" mass="1" diaginertia="0.1 0.1 0.1"/><site name="end" pos="0 0 -1"/></body></body></worldbody></mujoco>"""

SCENARIO = """[scenario]
name = "two-masses"
kind = "motion"

[model]
file = "pendulum.xml"

[[motion]]
duration = "0.3 s"

[values]
"start.joint.shoulder.position" = 1.0

[[parameter]]
name = "body.*.mass"
start = 1.3

[[term]]
label = "end"
output = "site.end.position"
at = [0.1, 0.3]
target = [[-1.6, 0.0, -1.1], [-1.2, 0.0, -1.5]]
scale = "1 cm"

[optimizer]
method = "lbfgsb"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the scenario of a double pendulum with two free masses."""
    (tmp_path / "pendulum.xml").write_text(PENDULUM)
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    return tmp_path


@pytest.fixture
def sim(folder: Path) -> cotangent.Simulation:
    """Its simulation."""
    return cotangent.load(folder / "scenario.toml")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cotangent", help="the command, to compare with")
    parser.addoption("--umbridge-suite", help="the folder of UM-Bridge's conformance suite")


@pytest.fixture
def command(request: pytest.FixtureRequest):
    """Runs the command line; the test is skipped where none is at hand."""
    program = request.config.getoption("--cotangent") or shutil.which("cotangent")
    if program is None:
        pytest.skip("no command `cotangent`: name one with --cotangent")

    def run(*words: object, **options: object) -> subprocess.CompletedProcess:
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True, **options)

    run.program = program
    return run

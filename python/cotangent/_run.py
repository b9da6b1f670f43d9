"""Runs: from a scenario to a run folder with a report."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _cotangent
from ._cotangent import InputError
from ._overrides import _as_overrides

Callback = Callable[[dict[str, Any]], Any]


def run(
    path: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    callback: Callback | None = None,
) -> dict[str, Any]:
    """Optimises a scenario, as ``cotangent run`` does, and returns what stands in ``result.json``, with the parameters that were
    found (``parameters``), the run folder (``run_dir``) and the path of the report (``report``).

    ``callback`` is called at the start and after each iteration with a dictionary: ``iteration``, ``value``, ``best_value``, ``gradient_norm``,
    ``step_norm``, ``evaluations``, ``score``, ``x`` and ``terms``. Ctrl-C, and an exception of the callback, stop the run with a
    checkpoint from which :func:`resume` goes on, and are raised.
    """
    return _finished(
        *_cotangent.run(os.fspath(path), _as_overrides(overrides), _path(out), force, _told(callback))
    )


def resume(
    folder: str | os.PathLike[str],
    limits: Mapping[str, Any] | None = None,
    *,
    callback: Callback | None = None,
) -> dict[str, Any]:
    """Goes on with a run that was stopped, to the same bits as if it had not been. ``limits`` may raise ``stop.max_*``."""
    return _finished(*_cotangent.resume(os.fspath(folder), _as_overrides(limits), _told(callback)))


def _path(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _told(callback: Callback | None) -> Callback | None:
    if callback is None:
        return None
    if not callable(callback):
        raise InputError(f"the callback is {callback!r}, which cannot be called")

    def tell(iteration: dict[str, Any]) -> None:
        iteration["x"] = np.frombuffer(iteration["x"], dtype=np.float64)
        callback(iteration)

    return tell


def _finished(result: dict[str, Any], raised: BaseException | None) -> dict[str, Any]:
    if raised is not None:
        raised.add_note(f"the run was stopped with a checkpoint; go on with cotangent.resume({result['run_dir']!r})")
        raise raised
    if result["interrupted"]:
        raise KeyboardInterrupt(f"go on with cotangent.resume({result['run_dir']!r})")
    return result

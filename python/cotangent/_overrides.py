"""Overrides of a scenario's keys, as the command line's ``--set`` takes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._cotangent import InputError


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, str):
        escaped = "".join(
            f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in value
        )
        return f'"{escaped}"'
    raise InputError(f"a setting is a number, a text, a flag or a list of such, not {type(value).__name__}")


def _as_overrides(overrides: Mapping[str, Any] | None) -> list[str]:
    """``{"stop.max_iterations": 50, "values": {"body.upper.mass": 1.4}}`` as ``--set`` takes it.

    A dictionary within the dictionary is a table whose keys are names, which may hold dots.
    """
    if overrides is not None and not isinstance(overrides, Mapping):
        raise InputError(f"overrides are given as a dictionary of values by key, not as {type(overrides).__name__}")
    settings = []
    for key, value in (overrides or {}).items():
        if not isinstance(key, str):
            raise InputError(f"a setting is named by a text, not by {key!r}")
        if isinstance(value, Mapping):
            for name, inner in value.items():
                settings.append(f"{key}.{_toml(str(name))}={_toml(inner)}")
        else:
            settings.append(f"{key}={_toml(value)}")
    return settings

"""The snippets of the documentation run as they stand."""

import json
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a snippet needs beside NumPy, by a word that is in it.
NEEDS = {"cotangent.scipy": "scipy", "import jax": "jax", "import torch": "torch", "umbridge": "umbridge"}


def snippets(page: str) -> list[str]:
    """The blocks of Python of a page, and further blocks that follow on the first."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/python.md", "README.md", "python/README.md"])
def test_a_stranger_s_tour_runs(page, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios", ignore=shutil.ignore_patterns("src"))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    blocks = snippets(page)
    assert blocks
    for block in blocks:
        for part in re.split(r"\n\n(?=import )", block):
            for word, module in NEEDS.items():
                if word in part:
                    pytest.importorskip(module)
            exec(compile(part, page, "exec"), names)
    assert "sim" in names


@pytest.mark.parametrize("notebook", sorted((ROOT / "python" / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_its_first_cell_to_its_last(notebook, tmp_path, monkeypatch):
    if notebook.stem == "molecule":
        pytest.importorskip("scipy")
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    cells = [c for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == "code"]
    names: dict = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), notebook.name, "exec"), names)
        assert cell["outputs"] == [], "kept without outputs, which differ from machine to machine"
    assert len(cells) > 1


def test_what_the_package_exports_is_documented():
    import cotangent

    text = (ROOT / "docs" / "python.md").read_text()
    for name in cotangent.__all__:
        if name not in ("__version__", "Function", "Objective", "Quantity", "Simulation"):
            assert name in text, name
    assert all(getattr(cotangent, name).__doc__ for name in cotangent.__all__ if name != "__version__")

"""`--help` of every command line, without heavy imports."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "timm", "lightning", "gradio", "rasterio", "matplotlib", "scipy")
COMMANDS = (
    ("app",),
    ("benchmarks.app",),
    ("benchmarks.exactness",),
    ("benchmarks.explain",),
    ("benchmarks.forward",),
    ("explain",),
    ("explain", "figure9"),
    ("pairs",),
    ("pairs", "export"),
    ("pairs", "schema"),
    ("training",),
    ("training", "data"),
    ("training", "evaluate"),
    ("training", "profile"),
    ("training", "train"),
)
# Runs a module as `python -m` does, then prints which of the heavy packages it has imported.
SCRIPT = f"""
import runpy, sys
module, *arguments = sys.argv[1:]
sys.argv = [module, *arguments, "--help"]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as end:
    print("exit status", end.code or 0, *sorted(sys.modules.keys() & {set(HEAVY)}))
"""


@pytest.mark.essential
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    lines = ended.stdout.splitlines()
    assert "Usage:" in ended.stdout
    assert lines[-1] == "exit status 0"

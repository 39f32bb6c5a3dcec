"""Interruption and resumption of runs."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from pairs.checkpoint import load_network
from pairs.report_reading import read_report
from tests.training.conftest import ARGUMENTS, Command, train


def test_killed_run_resumes_to_the_same_weights(scenes: Path, tmp_path: Path, command: Command) -> None:
    """A process killed during training and resumed gives the weights of an uninterrupted one."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(command, scenes, whole, "--epochs", 4, "--fusion", "scff")
    script = (
        "import os, runpy, sys\n"
        "from training.progress_bar import TrainingProgressBar\n"
        "def stop(self, trainer, *_):\n"
        "    if trainer.current_epoch == 2: os._exit(9)\n"
        "TrainingProgressBar.on_train_batch_end = stop\n"
        "runpy.run_module('training', run_name='__main__', alter_sys=True)\n"
    )
    arguments = (*ARGUMENTS, "--data", scenes, "--out", cut, "--epochs", "4", "--fusion", "scff")
    killed = subprocess.run([sys.executable, "-c", script, "train", *arguments], check=False, capture_output=True)
    assert killed.returncode == 9
    assert not cut.exists()
    state = torch.load(tmp_path / ".cut.training" / "scff" / "last.ckpt", weights_only=True)
    assert [result["epoch"] for result in state["curves"]] == [1, 2]  # the last whole epoch, though not the best
    rejected = train(command, scenes, cut, "--epochs", 4, "--fusion", "scff")
    assert rejected.status == 2
    assert "add --resume" in rejected.err
    other = train(command, scenes, cut, "--epochs", 5, "--fusion", "scff", "--resume")
    assert other.status == 2
    assert "has other settings" in other.err
    ended = train(command, scenes, cut, "--epochs", 4, "--fusion", "scff", "--resume")
    assert ended.status == 0, ended.err
    first, second = (load_network(folder / "scff.safetensors").network.state_dict() for folder in (whole, cut))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    curves = [read_report(folder).networks["scff"].curves for folder in (whole, cut)]
    assert curves[0] == curves[1]


def test_interrupt_explains_how_to_resume(scenes: Path, tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "--data", scenes, "--out", tmp_path / "pair", "--epochs", "1000")
    command = [sys.executable, "-m", "training", "train", *arguments]
    # As from a terminal: background jobs of a shell, which this test may run in, ignore interrupts.
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / ".pair.training" / "baseline" / "last.ckpt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        for _ in range(6):  # as a user does when an interrupt falls into a moment that swallows it
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                break
        assert process.poll() == 130
    finally:
        process.kill()
        err = process.communicate()[1]
    assert "with --resume continues after the last complete epoch" in err
    assert "Traceback" not in err
    assert not (tmp_path / "pair").exists()

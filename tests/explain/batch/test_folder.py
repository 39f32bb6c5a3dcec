"""Explanation of a folder: results, resuming, several processes and errors."""

import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.errors import BadInputError
from explain.batch.folder import explain_folder, images_under
from explain.batch.folder_run import FolderRun
from explain.cam.question import Question
from models.network import Network
from pairs.pair import Pair
from tests.conftest import Ended, texture

Command = Callable[..., Ended]


def table(out: Path) -> list[dict]:
    with (out / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.essential
def test_folder_run_writes_table_maps_and_figures(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("explain", folder, "--pair", pair_folder, "--out", out, "--batch-size", 2, "--json")
    assert ended.status == 2  # because one file is not an image
    assert "bad.tif: not an image" in ended.err
    rows = table(out)
    assert [row["image"] for row in rows] == ["a.tif", "b.png", "bad.tif", "more/a.tif", "more/c.jpg"]
    assert [bool(row["error"]) for row in rows] == [False, False, True, False, False]
    results = [json.loads(line) for line in ended.out.splitlines()]
    for row, one in zip((row for row in rows if not row["error"]), results, strict=True):
        assert one["image"] == str(folder / row["image"])
        maps = np.load(one["maps"])
        assert sorted(maps) == ["baseline", "scff"]
        assert Image.open(one["figure"]).format == "PNG"
        for role in ("baseline", "scff"):
            assert one[role]["prediction"] == row[f"{role}_prediction"]
            assert float(row[f"{role}_confidence"]) == pytest.approx(one[role]["confidence"], abs=1e-6)
            assert 0 <= float(row[f"{role}_insertion_area"]) <= 1
            assert maps[role].shape == (2, 2)


def test_single_image_run_gives_the_same_results(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    shared = ("--pair", pair_folder, "--layer", "Y3", "--method", "layercam", "--target", "roof", "--json")
    of_folder = command("explain", folder, "--out", tmp_path / "out", *shared).out.splitlines()
    one = json.loads(command("explain", folder / "b.png", "--out", tmp_path / "one", *shared).out)
    same = next(json.loads(line) for line in of_folder if json.loads(line)["image"] == one["image"])
    for role in ("baseline", "scff"):
        np.testing.assert_allclose(np.load(same["maps"])[role], np.load(one["maps"])[role], rtol=1e-3, atol=1e-7)
        assert same[role]["target"] == one[role]["target"] == "roof"
        assert same[role]["confidence"] == pytest.approx(one[role]["confidence"], abs=1e-5)


def test_interrupted_run_resumes(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    arguments = ("explain", folder, "--pair", pair_folder, "--batch-size", 2, "--measure", "none")
    command(*arguments, "--out", tmp_path / "whole")
    out = tmp_path / "cut"
    command(*arguments, "--out", out)
    (log,) = (out / ".progress").glob("*.jsonl")
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.strip()]
    log.write_text("".join(lines[:2]) + lines[2][:30])  # as if interrupted while the second batch was written
    (out / "results.csv").unlink()
    before = (out / "maps" / "a.tif.npz").stat().st_mtime_ns
    again = (out / "maps" / "more" / "a.tif.npz").stat().st_mtime_ns
    command(*arguments, "--out", out)
    assert (out / "results.csv").read_text() == (tmp_path / "whole" / "results.csv").read_text()
    assert (out / "maps" / "a.tif.npz").stat().st_mtime_ns == before
    assert (out / "maps" / "more" / "a.tif.npz").stat().st_mtime_ns > again
    Image.fromarray(texture(2, 9, side=60)).save(folder / "a.tif")
    command(*arguments, "--out", out)  # a changed image is explained again
    assert (out / "maps" / "a.tif.npz").stat().st_mtime_ns > before


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m explain` as two processes."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "explain"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command_line = [*launcher, *map(str, arguments)]
    return subprocess.run(command_line, check=False, capture_output=True, text=True, env=environment)


def test_processes_share_a_folder(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    arguments = [folder, "--pair", pair_folder, "--batch-size", "1", "--measure", "none", "--device", "cpu"]
    command("explain", *arguments, "--out", tmp_path / "one")
    ended = torchrun(*arguments, "--out", tmp_path / "two")
    assert ended.returncode == 0, ended.stderr  # although one file is not an image, which its row states
    assert len(list((tmp_path / "two" / ".progress").glob("*.jsonl"))) == 2
    one, two = table(tmp_path / "one"), table(tmp_path / "two")
    for first, second in zip(one, two, strict=True):
        assert first.keys() == second.keys()
        for name, value in first.items():
            if name.endswith("confidence") and value:
                assert float(value) == pytest.approx(float(second[name]), abs=2e-6)
            else:
                assert value == second[name]


def test_several_processes_are_rejected_for_a_single_image(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "1"), ("WORLD_SIZE", "2")):  # as torchrun sets them
        monkeypatch.setenv(name, value)
    ended = command("explain", folder / "a.tif", "--pair", pair_folder, "--out", tmp_path / "out")
    assert ended.status == 2
    assert ended.err == "error: several processes can only share a folder; give one, or start without torchrun\n"
    assert not (tmp_path / "out").exists()


def test_invalid_arguments_and_changed_settings_are_rejected(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out"

    def rejected(message: str, *arguments: object) -> None:
        ended = command("explain", *arguments, "--pair", pair_folder, "--out", out)
        assert ended.status == 2
        assert ended.err.startswith("error: ")
        assert message in ended.err

    rejected("no image in this folder", empty)
    rejected("unknown faithfulness level 'all'; known: none, quick, full", folder, "--measure", "all")
    rejected("batch size must be at least 1", folder, "--batch-size", 0)
    rejected("mark a region of a single image", folder, "--box", "0,0,5,5")
    rejected("choose one", folder / "a.tif", "--box", "0,0,5,5", "--mask", folder / "b.png")
    rejected("'1,2' is not a box", folder / "a.tif", "--box", "1,2")
    rejected("a class cannot be contrasted with itself", folder, "--target", "roof", "--against", "roof")
    rejected("--against contrasts the target class with another; add --target", folder, "--against", "roof")
    rejected("the number of SmoothGrad samples must be at least 1", folder, "--smooth", -1)
    assert not (out / "results.csv").exists()
    command("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none")
    for message, other in (
        ("different settings (layer);", ("--layer", "X2")),
        ("different settings (colour map, scale);", ("--scale", "shared", "--colour-map", "jet")),
        ("different settings (batch size);", ("--batch-size", 3)),
    ):
        rejected(f"holds results of a run with {message}", folder, "--measure", "none", *other)


def test_interrupt_exits_with_status_130_and_a_resume_hint(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = ("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")
    with monkeypatch.context() as patch:
        patch.setattr("explain.batch.image_batch.forward_passes", interrupt)
        ended = command(*arguments)
    assert (ended.status, ended.err) == (130, "interrupted; run the same command again to resume\n")
    assert command(*arguments).status == 2  # because of the file that is not an image
    assert len(table(tmp_path / "out")) == 5


def test_results_inside_the_image_folder_are_not_images(command: Command, pair_folder: Path, folder: Path) -> None:
    arguments = ("explain", folder, "--pair", pair_folder, "--out", folder / "out", "--measure", "none")
    command(*arguments)
    before = table(folder / "out")
    command(*arguments)
    assert table(folder / "out") == before
    assert len(before) == 5


def test_image_folder_as_output_is_rejected(command: Command, pair_folder: Path, folder: Path) -> None:
    ended = command("explain", folder, "--pair", pair_folder, "--out", folder)
    assert ended.status == 2
    assert "is the image folder itself; choose another --out" in ended.err


@pytest.mark.parametrize("name", ["results.csv", "contact-1.png", "maps"])
def test_files_of_other_programs_are_not_overwritten(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    ended = command("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none")
    assert ended.status == 2
    assert f"{name} already exists and was not written by this program" in ended.err
    assert (out / name).read_text() == "mine"


def test_log_lines_of_a_changed_image_are_ignored(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none")
    command(*arguments)
    (log,) = (out / ".progress").glob("*.jsonl")
    log.rename(log.with_name("zzz-1.jsonl"))  # of another process, sorted last
    former = table(out)[0]
    Image.fromarray(texture(2, 9, side=60)).save(folder / "a.tif")
    command(*arguments)
    assert table(out)[0]["baseline_confidence"] != former["baseline_confidence"]
    maps = (out / "maps" / "a.tif.npz").stat().st_mtime_ns
    command(*arguments)
    assert (out / "maps" / "a.tif.npz").stat().st_mtime_ns == maps


def test_unreadable_images_are_retried(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")

    def fail(*_: object, **__: object) -> None:
        raise BadInputError("too large for this machine's memory")

    with monkeypatch.context() as patch:
        patch.setattr("explain.batch.image_batch.read_image", fail)
        assert "too large for this machine's memory" in command(*arguments).err
    command(*arguments)
    assert [bool(row["error"]) for row in table(tmp_path / "out")] == [False, False, True, False, False]


def test_non_finite_output_is_an_error_row(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Network.head

    def non_finite_head(network: Network, features: torch.Tensor) -> torch.Tensor:
        logits = head(network, features)
        return logits.where(features.mean(dim=(1, 2, 3))[:, None] != features.mean(dim=(1, 2, 3)).max(), torch.nan)

    monkeypatch.setattr(Network, "head", non_finite_head)  # in a batch of one, each image has the largest mean
    (folder / "bad.tif").unlink()
    ended = command("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")
    assert ended.status == 2
    rows = table(tmp_path / "out")
    assert all("the output of this network is not finite" in row["error"] for row in rows)
    assert rows[0]["error"].startswith("a.tif: ")


def test_undecodable_file_name_is_written_unchanged(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "b.png").rename(os.fsdecode(os.fsencode(folder) + b"/\xff.png"))
    ended = command("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")
    assert ended.status == 2, ended.err
    assert b"\n\xff.png," in (tmp_path / "out" / "results.csv").read_bytes()
    assert (tmp_path / "out" / "contact-1.png").exists()


def test_formula_like_names_are_written_as_paths(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "b.png").rename(folder / "=1+1.png")
    (folder / "bad.tif").rename(folder / "@bad.tif")
    command("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")
    rows = table(tmp_path / "out")
    assert [row["image"] for row in rows] == ["./=1+1.png", "./@bad.tif", "a.tif", "more/a.tif", "more/c.jpg"]
    assert rows[1]["error"].startswith("./@bad.tif: not an image")
    assert (folder / rows[0]["image"]).is_file()
    assert (tmp_path / "out" / "maps" / "=1+1.png.npz").is_file()


def test_broken_symbolic_link_is_an_error_row(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "c.png").symlink_to(folder / "gone.png")
    command("explain", folder, "--pair", pair_folder, "--out", tmp_path / "out", "--measure", "none")
    (row,) = (row for row in table(tmp_path / "out") if row["image"] == "c.png")
    assert "no such file" in row["error"]


def test_surplus_contact_sheets_are_deleted(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none")
    command(*arguments)
    (out / "contact-2.png").write_bytes((out / "contact-1.png").read_bytes())
    command(*arguments)
    assert [path.name for path in out.glob("contact-*")] == ["contact-1.png"]


def test_box_and_mask_give_the_same_localisation(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    mask = np.zeros((60, 60), dtype=np.uint8)
    mask[10:30, 5:45] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    image = (folder / "a.tif", "--pair", pair_folder, "--json", "--target", "field")
    boxed = json.loads(command("explain", *image, "--out", tmp_path / "b", "--box", "5,10,45,30").out)
    masked = json.loads(command("explain", *image, "--out", tmp_path / "m", "--mask", tmp_path / "mask.png").out)
    assert any(boxed[role]["region"] for role in ("baseline", "scff"))
    for role in ("baseline", "scff"):
        assert boxed[role]["region"] == masked[role]["region"]
        if boxed[role]["region"] is not None:
            assert boxed[role]["region"]["area"] == pytest.approx(800 / 3600)


def test_interrupted_run_leaves_no_threads(
    pair: Pair, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def readers() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")}

    before = readers()
    monkeypatch.setattr("explain.batch.folder.tqdm.update", interrupt)
    names = images_under(folder)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        explain_folder(FolderRun(folder, names, tmp_path / "out", pair, Question(), level="none", batch=1))
    assert interrupted.traceback  # whose frames keep the locals alive
    assert readers() <= before

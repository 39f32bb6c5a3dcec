"""A folder is explained whole, whoever does it and however often it is interrupted."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Ended, texture

Command = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images at two depths, one of them no image."""
    root = tmp_path / "images"
    (root / "more").mkdir(parents=True)
    for number, name in enumerate(("a.tif", "b.png", "more/c.jpg", "more/a.tif")):
        Image.fromarray(texture(number % 3, number, side=60)).save(root / name)
    (root / "bad.tif").write_text("not pixels")
    return root


def table(out: Path) -> list[dict]:
    with (out / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_table_maps_and_sheet(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = command("explain", folder, "--pair", pair_folder, "--out", out, "--batch-size", 2, "--json")
    assert ended.status == 2  # for the one that is no image
    assert "bad.tif: not an image" in ended.err
    rows = table(out)
    assert [row["image"] for row in rows] == ["a.tif", "b.png", "bad.tif", "more/a.tif", "more/c.jpg"]
    assert [bool(row["error"]) for row in rows] == [False, False, True, False, False]
    said = [json.loads(line) for line in ended.out.splitlines()]
    for row, one in zip((row for row in rows if not row["error"]), said, strict=True):
        assert one["image"] == str(folder / row["image"])
        maps = np.load(one["maps"])
        assert sorted(maps) == ["baseline", "scff"]
        assert Image.open(one["figure"]).format == "PNG"
        for role in ("baseline", "scff"):
            assert one[role]["prediction"] == row[f"{role}_prediction"]
            assert float(row[f"{role}_confidence"]) == pytest.approx(one[role]["confidence"], abs=1e-6)
            assert 0 <= float(row[f"{role}_insertion"]) <= 1
            assert maps[role].shape == (2, 2)


def test_a_single_image_gives_the_same(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    shared = ("--pair", pair_folder, "--layer", "Y3", "--method", "layercam", "--target", "roof", "--json")
    of_folder = command("explain", folder, "--out", tmp_path / "out", *shared).out.splitlines()
    one = json.loads(command("explain", folder / "b.png", "--out", tmp_path / "one", *shared).out)
    same = next(json.loads(line) for line in of_folder if json.loads(line)["image"] == one["image"])
    for role in ("baseline", "scff"):
        np.testing.assert_allclose(np.load(same["maps"])[role], np.load(one["maps"])[role], rtol=1e-3, atol=1e-7)
        assert same[role]["target"] == one[role]["target"] == "roof"
        assert same[role]["confidence"] == pytest.approx(one[role]["confidence"], abs=1e-5)


def test_an_interrupted_run_goes_on(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    arguments = ("explain", folder, "--pair", pair_folder, "--batch-size", 2, "--measure", "none")
    command(*arguments, "--out", tmp_path / "whole")
    out = tmp_path / "cut"
    command(*arguments, "--out", out)
    (log,) = (out / ".progress").glob("*.jsonl")
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.strip()]
    log.write_text("".join(lines[:2]) + lines[2][:30])  # as if stopped while the second batch was written
    (out / "results.csv").unlink()
    before = (out / "maps" / "a.tif.npz").stat().st_mtime_ns
    again = (out / "maps" / "more" / "a.tif.npz").stat().st_mtime_ns
    command(*arguments, "--out", out)
    assert (out / "results.csv").read_text() == (tmp_path / "whole" / "results.csv").read_text()
    assert (out / "maps" / "a.tif.npz").stat().st_mtime_ns == before
    assert (out / "maps" / "more" / "a.tif.npz").stat().st_mtime_ns > again
    Image.fromarray(texture(2, 9, side=60)).save(folder / "a.tif")
    command(*arguments, "--out", out)  # an image that has changed is done anew
    assert (out / "maps" / "a.tif.npz").stat().st_mtime_ns > before


def test_processes_share_a_folder(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.tif").unlink()
    arguments = [folder, "--pair", pair_folder, "--batch-size", "1", "--measure", "none", "--device", "cpu"]
    command("explain", *arguments, "--out", tmp_path / "one")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "explain"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [*torchrun, *arguments, "--out", tmp_path / "two"], check=False, capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "two" / ".progress").glob("*.jsonl"))) == 2
    one, two = table(tmp_path / "one"), table(tmp_path / "two")
    for first, second in zip(one, two, strict=True):
        assert first.keys() == second.keys()
        for name, value in first.items():
            if name.endswith("confidence"):
                assert float(value) == pytest.approx(float(second[name]), abs=2e-6)
            else:
                assert value == second[name]


def test_bad_input(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out"

    def refused(words: str, *arguments: object) -> None:
        ended = command("explain", *arguments, "--pair", pair_folder, "--out", out)
        assert ended.status == 2
        assert ended.err.startswith("error: ")
        assert words in ended.err

    refused("no image in this folder", empty)
    refused("unknown measure 'all'; known: none, quick, full", folder, "--measure", "all")
    refused("batch size must be at least 1", folder, "--batch-size", 0)
    refused("mark a region of one image", folder, "--box", "0,0,5,5")
    refused("choose one", folder / "a.tif", "--box", "0,0,5,5", "--mask", folder / "b.png")
    refused("'1,2' is no box", folder / "a.tif", "--box", "1,2")
    refused("a class cannot be contrasted with itself", folder, "--target", "roof", "--against", "roof")
    refused("samples must be at least 1", folder, "--smooth", -1)
    assert not (out / "results.csv").exists()
    command("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none")
    refused("holds results of another pair or question", folder, "--layer", "X2")


def test_a_region_is_judged(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    mask = np.zeros((60, 60), dtype=np.uint8)
    mask[10:30, 5:45] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    image = (folder / "a.tif", "--pair", pair_folder, "--json", "--target", "field")
    boxed = json.loads(command("explain", *image, "--out", tmp_path / "b", "--box", "5,10,45,30").out)
    masked = json.loads(command("explain", *image, "--out", tmp_path / "m", "--mask", tmp_path / "mask.png").out)
    for role in ("baseline", "scff"):
        assert boxed[role]["region"] == masked[role]["region"]
        if boxed[role]["region"] is not None:
            assert boxed[role]["region"]["area"] == pytest.approx(800 / 3600)


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_figure9(command: Command, pair_folder: Path, folder: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"figure.{ending}"
    images = (folder / "a.tif", folder / "b.png")
    ended = command("explain", "figure9", "--pairs", pair_folder, "--images", *images, "--out", out)
    assert ended.status == 0, ended.err
    assert "2 image(s) by 1 pair(s)" in ended.out
    starts = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}
    assert out.read_bytes().startswith(starts[ending])
    if ending == "svg":
        assert "With SCFF" in out.read_text()
        assert "b.png" in out.read_text()


def test_figure9_that_cannot_be(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    shared = ("explain", "figure9", "--pairs", pair_folder, "--images", folder / "a.tif", "--out")
    for out, more, words in (
        ("x.doc", (), "name a file that ends in .pdf, .svg, .png"),
        ("no/x.pdf", (), "no such folder to write into"),
        ("x.pdf", ("--layer", "Y9"), "tiny has no layer 'Y9' but fused, Y2, Y3, Y4, X1, X2, X3, X4\n"),
        ("x.pdf", ("--target", "lake"), "unknown class 'lake'"),
        ("x.pdf", ("--method", "lime"), "unknown method 'lime'"),
    ):
        ended = command(*shared, tmp_path / out, *more)
        assert ended.status == 2
        assert words in ended.err
        assert ended.err.count("\n") == 1

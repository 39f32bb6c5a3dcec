"""Figure 9: several images by several pairs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended, write_pair

Command = Callable[..., Ended]


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_figure9_is_written_in_every_format(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path, ending: str
) -> None:
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


def test_figure9_rejects_invalid_arguments(command: Command, pair_folder: Path, folder: Path, tmp_path: Path) -> None:
    shared = ("explain", "figure9", "--pairs", pair_folder, "--images", folder / "a.tif", "--out")
    for out, more, message in (
        ("x.doc", (), "give a file name that ends in .pdf, .svg, .png"),
        ("no/x.pdf", (), "no: no such folder"),
        ("x.pdf", ("--layer", "Y9"), "tiny has no layer 'Y9'; its layers are fused, Y2, Y3, Y4, X1, X2, X3, X4\n"),
        ("x.pdf", ("--target", "lake"), "unknown class 'lake'"),
        ("x.pdf", ("--method", "lime"), "unknown method 'lime'"),
        (folder / "a.tif", (), "give a file name that ends in"),
    ):
        ended = command(*shared, tmp_path / out, *more)
        assert ended.status == 2
        assert message in ended.err
        assert ended.err.count("\n") == 1


def test_figure9_overwrites_no_image(command: Command, pair_folder: Path, folder: Path) -> None:
    before = (folder / "b.png").read_bytes()
    shared = ("explain", "figure9", f"--pairs={pair_folder}", "--images", folder / "b.png")
    ended = command(*shared, "--out", folder / "b.png")
    assert ended.status == 2
    assert "b.png is one of the images and would be overwritten" in ended.err
    assert (folder / "b.png").read_bytes() == before


def test_figure9_accepts_pairs_and_images_with_equal_names(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    other = write_pair(tmp_path / "more" / pair_folder.name, seed=5)
    images = (folder / "a.tif", folder / "more" / "a.tif")
    out = tmp_path / "figure.svg"
    ended = command("explain", "figure9", "--pairs", pair_folder, other, "--images", *images, "--out", out)
    assert "2 image(s) by 2 pair(s)" in ended.out


def test_figure9_error_names_the_pair_that_has_the_layer(
    command: Command, pair_folder: Path, folder: Path, tmp_path: Path
) -> None:
    """ResNet-18 has four stages, SelecSLS-42 five."""
    other = write_pair(tmp_path / "checkpoints" / "deep", arch="selecsls42")
    shared = ("explain", "figure9", "--pairs", pair_folder, other, "--images", folder / "a.tif", "--layer", "Y5")
    ended = command(*shared, "--out", tmp_path / "x.pdf")
    layers = "fused, Y2, Y3, Y4, X1, X2, X3, X4"
    assert ended.err == f"error: tiny has no layer 'Y5'; its layers are {layers}; available in deep\n"

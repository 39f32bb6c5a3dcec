"""`python -m explain`: options, files and errors."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image

from imagery.reading import read_image
from pairs.pair import load_pair
from tests.conftest import CLASSES, SHIPPED, Ended, texture

Command = Callable[..., Ended]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "roof.tif"
    Image.fromarray(texture(1, 0)).save(path)
    return path


@pytest.mark.essential
@pytest.mark.parametrize("command_line", [("--help",), ("figure9", "--help")], ids=["images", "figure9"])
def test_help_imports_neither_torch_nor_drawing_packages(command_line: tuple[str, ...]) -> None:
    code = (
        "import runpy, sys\n"
        "try:\n    runpy.run_module('explain', run_name='__main__', alter_sys=True)\n"
        "finally:\n    print({'torch', 'numpy', 'matplotlib', 'scipy', 'rasterio', 'PIL'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", code, *command_line], check=True, capture_output=True, text=True)
    assert "gradcam++" in ended.stdout
    assert ended.stdout.endswith("set()\n")


@pytest.mark.essential
def test_writes_figure_maps_and_json(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path / "out", "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert found == json.loads((tmp_path / "out" / "roof.json").read_text())
    assert (found["image"], found["pair"], found["layer"], found["method"]) == (
        str(image),
        "tiny",
        "fused",
        "gradcam++",
    )
    assert Image.open(found["figure"]).format == "PNG"
    maps = np.load(found["maps"])
    assert sorted(maps) == ["baseline", "scff"]
    for role in ("baseline", "scff"):
        assert maps[role].dtype == np.float32
        assert maps[role].shape == (2, 2)
        result = found[role]
        assert result["prediction"] == result["target"] == max(result["probabilities"], key=result["probabilities"].get)
        assert result["confidence"] == result["probabilities"][result["prediction"]]
        assert list(result["probabilities"]) == list(CLASSES)
        assert result["empty"] == (maps[role].max() == 0)


def test_target_option_applies_to_both_networks(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path
) -> None:
    ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path, "--target", "water", "--json")
    found = json.loads(ended.out)
    assert found["baseline"]["target"] == found["scff"]["target"] == "water"


@pytest.fixture
def many_bands(tmp_path: Path) -> Path:
    """Six 16-bit bands, the last three of them an image's blue, green and red."""
    bands = np.concatenate([texture(0, 5), texture(1, 0)[..., ::-1]], axis=2).transpose(2, 0, 1).astype(np.uint16) * 40
    path = tmp_path / "scenes" / "many.tif"
    path.parent.mkdir()
    with rasterio.open(path, "w", driver="GTiff", width=40, height=40, count=6, dtype="uint16") as file:
        file.write(bands)
    return path


def test_bands_option_applies_to_image_and_folder(
    command: Command, pair_folder: Path, many_bands: Path, tmp_path: Path
) -> None:
    shared = ("--pair", pair_folder, "--json", "--measure", "none")
    chosen = json.loads(command("explain", many_bands, *shared, "--out", tmp_path / "a", "--bands", "6,5,4").out)
    usual = json.loads(command("explain", many_bands, *shared, "--out", tmp_path / "b").out)
    expected = load_pair(pair_folder).baseline
    pixels = read_image(many_bands, bands=(6, 5, 4))
    with torch.inference_mode():
        logits = expected.network(expected.header.preprocessing(pixels))
    for name, share in zip(CLASSES, logits.softmax(1)[0].tolist(), strict=True):
        assert chosen["baseline"]["probabilities"][name] == pytest.approx(share, abs=1e-5)
    assert chosen["baseline"]["probabilities"] != usual["baseline"]["probabilities"]
    assert (chosen["bands"], usual["bands"]) == ([6, 5, 4], None)
    folder = ("explain", many_bands.parent, *shared, "--out", tmp_path / "c")
    row = json.loads(command(*folder, "--bands", "6,5,4").out)
    assert row["baseline"]["confidence"] == pytest.approx(chosen["baseline"]["confidence"], abs=1e-5)
    assert row["bands"] == [6, 5, 4]
    rejected = command(*folder, "--bands", "4,5,6")
    assert rejected.status == 2
    assert "holds results of a run with different settings (bands)" in rejected.err
    assert command(*folder, "--bands", "6, 5,4").status == 0


def test_bands_option_applies_to_figure9(command: Command, pair_folder: Path, many_bands: Path, tmp_path: Path) -> None:
    shared = ("explain", "figure9", "--pairs", pair_folder, "--images", many_bands, "--out")
    for name, more in (("a.png", ()), ("b.png", ("--bands", "1,2,3")), ("c.png", ("--bands", "5"))):
        assert command(*shared, tmp_path / name, *more).status == 0
    usual, same, other = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert usual == same != other


def test_output_is_text_without_json_option(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path)
    assert ended.out.startswith(f"{image}: baseline: ")


def test_images_of_one_name_do_not_overwrite_each_other(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "roof.png"
    other.parent.mkdir()
    Image.fromarray(texture(2, 0)).save(other)
    ended = command("explain", image, other, image, "--pair", pair_folder, "--out", tmp_path / "out", "--json")
    figures = [json.loads(line)["figure"] for line in ended.out.splitlines()]
    assert [Path(figure).name for figure in figures] == ["roof.png", "roof-2.png", "roof-3.png"]


def test_results_of_another_image_are_kept(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "roof.tif"
    other.parent.mkdir()
    Image.fromarray(texture(2, 0)).save(other)

    def figure(of: Path) -> str:
        ended = command("explain", of, "--pair", pair_folder, "--out", tmp_path / "out", "--json")
        return Path(json.loads(ended.out)["figure"]).name

    assert [figure(image), figure(other), figure(image), figure(other)] == [
        "roof.png", "roof-2.png", "roof.png", "roof-2.png"
    ]  # fmt: skip


def test_results_of_another_request_are_kept(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    def figure(*more: object) -> str:
        ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path / "out", "--json", *more)
        return Path(json.loads(ended.out)["figure"]).name

    options = [(), ("--target", "roof"), ("--layer", "Y3"), ("--bands", "3,2,1")]
    assert [figure(*more) for more in options] == ["roof.png", "roof-2.png", "roof-3.png", "roof-4.png"]
    assert [figure(*more) for more in options] == ["roof.png", "roof-2.png", "roof-3.png", "roof-4.png"]


def test_a_region_is_outlined(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    def figure(*more: object) -> np.ndarray:
        shared = ("--pair", pair_folder, "--out", tmp_path / "-".join(map(str, more)), "--json")
        return np.asarray(Image.open(json.loads(command("explain", image, *shared, *more).out)["figure"]))

    plain, boxed = figure("--target", "roof"), figure("--target", "roof", "--box", "10,10,30,25")
    yellow = (boxed == (255, 225, 77)).all(axis=2)
    assert yellow.sum() >= 4 * (2 * 20 + 2 * 15 - 4) * 100  # its edge in four panels, each pixel ten wide and high
    assert not (plain == (255, 225, 77)).all(axis=2).any()


def test_class_agnostic_method_ignores_the_target(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path
) -> None:
    shared = ("--pair", pair_folder, "--json", "--method", "eigencam")
    figures = [
        Image.open(json.loads(command("explain", image, *shared, "--out", tmp_path / name, *more).out)["figure"])
        for name, more in (("a", ()), ("b", ("--target", "roof")))
    ]
    assert np.array_equal(*map(np.asarray, figures))


def test_unreadable_image_does_not_stop_the_others(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "text.tif"
    bad.write_text("not pixels")
    ended = command("explain", bad, image, "--pair", pair_folder, "--out", tmp_path / "out", "--json")
    assert ended.status == 2
    assert ended.err.strip() == f"error: {bad}: not an image of a supported format"
    assert json.loads(ended.out)["image"] == str(image)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["roof.json", "roof.npz", "roof.png"]


def test_input_image_is_never_overwritten(command: Command, pair_folder: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(texture(1, 0)).save(photo)
    before = photo.read_bytes()
    tiff = tmp_path / "photo.tif"
    Image.fromarray(texture(1, 0)).save(tiff)
    for image in (photo, tiff):
        ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path, "--json")
        assert Path(json.loads(ended.out)["figure"]).name == {photo: "photo-2.png", tiff: "photo-3.png"}[image]
    assert photo.read_bytes() == before


def test_image_is_recognised_from_another_working_directory(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    command("explain", image, "--pair", pair_folder, "--out", out)
    monkeypatch.chdir(image.parent)
    command("explain", image.name, "--pair", pair_folder, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == ["roof.json", "roof.npz", "roof.png"]
    other = tmp_path / "elsewhere"
    other.mkdir()
    Image.fromarray(texture(2, 0)).save(other / image.name)
    monkeypatch.chdir(other)
    command("explain", image.name, "--pair", pair_folder, "--out", out)
    assert (out / "roof-2.json").exists()


def test_options_affect_the_results(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    shared = ("explain", image, "--pair", pair_folder, "--json", "--target", "roof")
    plain = json.loads(command(*shared, "--out", tmp_path / "plain").out)
    results = {}
    for options in (
        ("--smooth", 3),
        ("--smooth", 3, "--noise", 0.3),
        ("--against", "water"),
        ("--scale", "shared", "--colour-map", "jet"),
        ("--measure", "full"),
    ):
        out = tmp_path / "-".join(map(str, options))
        ended = command(*shared, "--out", out, *options)
        assert ended.status == 0, ended.err
        results[options[-2:]] = json.loads(ended.out)
    figures = {Path(one["figure"]).read_bytes() for one in (plain, *results.values())}
    assert len(figures) == 5  # faithfulness is not drawn
    assert results["--against", "water"]["scff"]["against"] == "water"
    faithfulness = results["--measure", "full"]["baseline"]["faithfulness"]
    assert (faithfulness["road"] is None) == plain["baseline"]["empty"]
    smooth, noisier = (np.load(results[key]["maps"])["scff"] for key in (("--smooth", 3), ("--noise", 0.3)))
    assert not np.array_equal(smooth, noisier)


def test_compile_option_without_a_compiler_is_rejected(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    ended = command("explain", image, "--pair", pair_folder, "--out", tmp_path / "out", "--compile")
    assert (ended.status, ended.err) == (2, "error: --compile needs a C++ compiler, such as g++\n")


def test_other_launchers_are_not_taken_for_torchrun(
    command: Command, pair_folder: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert command("explain", image, "--pair", pair_folder, "--out", tmp_path / "out").status == 0


def test_bad_input_is_one_line_and_status_2(command: Command, pair_folder: Path, image: Path, tmp_path: Path) -> None:
    def rejected(message: str, *more: object, pair: Path = pair_folder, out: Path = tmp_path / "out") -> None:
        ended = command("explain", image, "--pair", pair, "--out", out, *more)
        assert ended.status == 2
        assert ended.err.startswith("error: ")
        assert ended.err.count("\n") == 1
        assert message in ended.err
        assert ended.out == ""
        assert not (tmp_path / "out").exists()

    rejected("unknown class 'lake'; tiny has the classes field, roof, water", "--target", "lake")
    rejected("unknown layer 'Y9'; these networks have fused, Y2, Y3, Y4, X1", "--layer", "Y9")
    rejected("unknown method 'lime'; known: gradcam++", "--method", "lime")
    rejected("'4,3' is not a band selection; give three", "--bands", "4,3")
    rejected("unknown device 'tpu'", "--device", "tpu")
    rejected("no such folder of a model pair", pair=tmp_path / "none")
    rejected("Not a directory", out=image / "out")
    rejected("is a file; give a folder for the results", out=image)
    broken = tmp_path / "broken"
    shutil.copytree(pair_folder, broken)
    (broken / "scff.safetensors").unlink()
    rejected("scff.safetensors missing", pair=broken)
    image.unlink()
    rejected_image = command("explain", image, "--pair", pair_folder, "--out", tmp_path / "out")
    assert rejected_image.status == 2
    assert "no such file" in rejected_image.err


@pytest.mark.parametrize("shipped", SHIPPED.values(), ids=SHIPPED)
def test_shipped_pairs_explain_real_scenes(command: Command, siri_whu: Path, tmp_path: Path, shipped: Path) -> None:
    pair = load_pair(shipped)
    for name in pair.classes[:3]:
        path = sorted((siri_whu / name).iterdir())[5]
        found = json.loads(command("explain", path, "--pair", shipped, "--out", tmp_path, "--json").out)
        maps = np.load(found["maps"])
        assert all(maps[role].shape == (7, 7) and np.isfinite(maps[role]).all() for role in maps)
        assert all(found[role]["empty"] == (maps[role].max() == 0) for role in maps)
        assert Image.open(found["figure"]).width > 4 * read_image(path).shape[1]

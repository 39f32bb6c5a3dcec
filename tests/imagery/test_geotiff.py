"""GeoTIFF of heatmaps: georeference, orientation and files of `python -m explain`."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.transform import GCPTransformer

from imagery.geotiff import is_georeferenced, write_geotiff
from imagery.resampling import resize_bilinear
from tests.conftest import Ended, texture

Command = Callable[..., Ended]

UTM = rasterio.CRS.from_epsg(32650)
NORTH_UP = Affine(2, 0, 500_000, 0, -2, 3_400_000)
MAPS = {"baseline": np.zeros((3, 4), dtype=np.float32), "scff": np.eye(3, 4, dtype=np.float32) * 7.5}


def scene(path: Path, width: int = 60, height: int = 40, **place: object) -> Path:
    """A georeferenced image of three 8-bit bands."""
    pixels = np.resize(texture(1, 0, max(width, height)), (height, width, 3)).transpose(2, 0, 1)
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8", photometric="rgb", **place
    ) as file:
        file.write(pixels)
    return path


def with_orientation(path: Path, value: int) -> Path:
    """Gives a TIFF an Orientation tag, which GDAL cannot write: by a new list of tags at its end."""
    data = bytearray(path.read_bytes())
    assert data[:4] == b"II*\0"
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    entries = [bytes(data[start + 2 + 12 * i : start + 14 + 12 * i]) for i in range(count)]
    tag = (274).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    entries = [entry for entry in entries if entry[:2] != tag[:2]] + [tag + value.to_bytes(4, "little")]
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    data[4:8] = len(data).to_bytes(4, "little")
    data += len(entries).to_bytes(2, "little") + b"".join(entries) + bytes(4)
    path.write_bytes(data)
    return path


def hottest(path: Path, band: int = 2) -> tuple[float, float]:
    """Ground coordinates of a map's centre of mass."""
    with rasterio.open(path) as file:
        values = file.read(band)
        rows, columns = np.indices(values.shape) + 0.5
        row, column = (float((each * values).sum() / values.sum()) for each in (rows, columns))
        transform = file.transform
        return transform.c + transform.a * column + transform.b * row, (
            transform.f + transform.d * column + transform.e * row
        )


def one_hot(shape: tuple[int, int], row: int, column: int) -> dict[str, np.ndarray]:
    hot = np.zeros(shape, dtype=np.float32)
    hot[row, column] = 3
    return {"baseline": np.zeros(shape, dtype=np.float32), "scff": hot}


@pytest.mark.essential
def test_geotiff_has_values_bounds_and_descriptions(tmp_path: Path) -> None:
    source = scene(tmp_path / "a.tif", crs=UTM, transform=NORTH_UP)
    write_geotiff(tmp_path / "b.tif", source, MAPS, {"pair": "tiny"})
    with rasterio.open(tmp_path / "b.tif") as file, rasterio.open(source) as image:
        assert (file.shape, file.bounds, file.crs) == (image.shape, image.bounds, UTM)
        assert file.descriptions == ("baseline", "scff")
        assert file.dtypes == ("float32", "float32")
        assert file.compression.name == "deflate"
        assert file.tags()["pair"] == "tiny"
        assert file.read(1).max() == 0
        assert np.array_equal(file.read(2), resize_bilinear(MAPS["scff"], (40, 60)))
    assert not list(tmp_path.glob("*.xml"))


def test_large_images_give_a_smaller_grid_over_the_same_ground(tmp_path: Path) -> None:
    source = scene(tmp_path / "a.tif", 3001, 1700, crs=UTM, transform=NORTH_UP)
    write_geotiff(tmp_path / "b.tif", source, MAPS, {})
    with rasterio.open(tmp_path / "b.tif") as file:
        assert file.shape == (580, 1024)
        assert file.block_shapes[0] == (256, 256)
        assert file.bounds == pytest.approx((500_000, 3_400_000 - 3400, 500_000 + 6002, 3_400_000))


@pytest.mark.essential
def test_hot_cell_has_the_coordinates_of_its_pixels(tmp_path: Path) -> None:
    source = scene(tmp_path / "a.tif", crs=UTM, transform=NORTH_UP)
    write_geotiff(tmp_path / "b.tif", source, one_hot((4, 6), 1, 4), {})
    # Of 4 x 6 cells of 10 x 10 pixels, that cell's middle is at column 45, row 15; a pixel has 2 m.
    assert hottest(tmp_path / "b.tif") == pytest.approx((500_000 + 90, 3_400_000 - 30), abs=0.01)


def test_rotated_transform_is_preserved(tmp_path: Path) -> None:
    turned = Affine.translation(1000, 2000) @ Affine.rotation(30) @ Affine.scale(2, -3) @ Affine.shear(5, 0)
    source = scene(tmp_path / "a.tif", 2048, 1024, crs=UTM, transform=turned)
    write_geotiff(tmp_path / "b.tif", source, one_hot((4, 8), 2, 5), {})
    a, b, c, d, e, f = tuple(turned)[:6]
    column, row = 5.5 * 256, 2.5 * 256
    assert hottest(tmp_path / "b.tif") == pytest.approx((a * column + b * row + c, d * column + e * row + f), abs=0.5)
    with rasterio.open(tmp_path / "b.tif") as file:
        for corner in ((0, 0), (1, 0), (0, 1), (1, 1)):
            there = file.transform @ (corner[0] * file.width, corner[1] * file.height)
            assert there == pytest.approx(turned @ (corner[0] * 2048, corner[1] * 1024))


def test_ground_control_points_are_rescaled(tmp_path: Path) -> None:
    points = [
        GroundControlPoint(row, column, 100 + 0.01 * column + 0.002 * row, 30 - 0.01 * row, 5, id=str(row + column))
        for row, column in ((0, 0), (0, 2048), (1024, 0), (1024, 2048))
    ]
    wgs84 = rasterio.CRS.from_epsg(4326)
    source = scene(tmp_path / "a.tif", 2048, 1024, gcps=points, crs=wgs84)
    assert is_georeferenced(source)
    write_geotiff(tmp_path / "b.tif", source, MAPS, {})
    with rasterio.open(tmp_path / "b.tif") as file:
        assert file.shape == (512, 1024)
        found, crs = file.gcps
        assert crs == wgs84
        assert [(p.row, p.col, p.x, p.y, p.z) for p in found] == [(p.row / 2, p.col / 2, p.x, p.y, p.z) for p in points]
        with GCPTransformer(found) as there, GCPTransformer(points) as here:
            assert there.xy(100, 200, offset="ul") == pytest.approx(here.xy(200, 400, offset="ul"))


@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_tag_is_undone_in_the_geotiff(tmp_path: Path, value: int) -> None:
    """GIS programs show a raster as stored; networks and heatmaps use the oriented image."""
    source = with_orientation(scene(tmp_path / "a.tif", crs=UTM, transform=NORTH_UP), value)
    stored = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))  # cells of 10 x 10 stored pixels
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(value)
    shown = np.asarray(stored if turn is None else stored.transpose(turn))
    hot = (shown == 6 * 1 + 4).astype(np.float32)  # row 1, column 4 as stored
    write_geotiff(tmp_path / "b.tif", source, {"baseline": hot * 0, "scff": hot}, {})
    with rasterio.open(tmp_path / "b.tif") as file:
        assert file.shape == (40, 60)
    assert hottest(tmp_path / "b.tif") == pytest.approx((500_000 + 90, 3_400_000 - 30), abs=0.01)


def test_transform_counts_as_georeference_and_rpcs_do_not(tmp_path: Path) -> None:
    assert not is_georeferenced(scene(tmp_path / "plain.tif"))
    assert is_georeferenced(scene(tmp_path / "placed.tif", transform=NORTH_UP))
    with rasterio.open(scene(tmp_path / "rpc.tif"), "r+") as file:
        file.rpcs = rasterio.rpc.RPC(
            height_off=1, height_scale=1, lat_off=1, lat_scale=1, line_off=1, line_scale=1, long_off=1, long_scale=1,
            samp_off=1, samp_scale=1, line_den_coeff=[1.0] * 20, line_num_coeff=[1.0] * 20,
            samp_den_coeff=[1.0] * 20, samp_num_coeff=[1.0] * 20,
        )  # fmt: skip
    assert not is_georeferenced(tmp_path / "rpc.tif")
    (tmp_path / "text.tif").write_text("not pixels")
    assert not is_georeferenced(tmp_path / "text.tif")


@pytest.mark.parametrize(("name", "world"), [("a.tif", "a.tfw"), ("a.png", "a.pgw"), ("a.jpg", "a.jgw")])
def test_world_file_georeferences_the_heatmaps(tmp_path: Path, name: str, world: str) -> None:
    Image.fromarray(texture(1, 0, 40)).save(tmp_path / name)
    assert not is_georeferenced(tmp_path / name)
    (tmp_path / world).write_text("0.5\n0\n0\n-0.5\n1000.25\n1999.75\n")  # of the first pixel's middle
    assert is_georeferenced(tmp_path / name)
    write_geotiff(tmp_path / "b.tif", tmp_path / name, MAPS, {})
    with rasterio.open(tmp_path / "b.tif") as file:
        assert file.bounds == (1000, 1980, 1020, 2000)
        assert file.crs is None


def test_explain_writes_the_geotiff_of_an_image(command: Command, pair_folder: Path, tmp_path: Path) -> None:
    source = scene(tmp_path / "roof.tif", crs=UTM, transform=NORTH_UP)
    before = source.read_bytes()
    ended = command(
        "explain", source, "--pair", pair_folder, "--out", tmp_path, "--target", "water", "--layer", "Y3", "--json"
    )
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert answer["geotiff"] == str(tmp_path / "roof-heatmaps.tif")
    assert source.read_bytes() == before
    maps = np.load(answer["maps"])
    with rasterio.open(answer["geotiff"]) as file:
        for band, role in enumerate(("baseline", "scff"), start=1):
            assert np.array_equal(file.read(band), resize_bilinear(maps[role], (40, 60)))
        tags = file.tags()
    assert tags["TIFFTAG_SOFTWARE"] == "SCFF Lens"
    assert (tags["pair"], tags["layer"], tags["method"]) == ("tiny", "Y3", "gradcam++")
    assert tags["baseline_target"] == tags["scff_target"] == "water"
    result = tmp_path / "roof-heatmaps.tif"  # of the same question, but now an image itself
    before = result.read_bytes()
    command("explain", source, result, "--pair", pair_folder, "--out", tmp_path, "--layer", "Y3", "--target", "water")
    assert result.read_bytes() == before
    assert (tmp_path / "roof-2-heatmaps.tif").exists()


def test_image_without_georeference_has_no_geotiff(command: Command, pair_folder: Path, tmp_path: Path) -> None:
    Image.fromarray(texture(1, 0)).save(tmp_path / "roof.tif")
    ended = command("explain", tmp_path / "roof.tif", "--pair", pair_folder, "--out", tmp_path / "out", "--json")
    assert json.loads(ended.out)["geotiff"] is None
    assert not list((tmp_path / "out").glob("*.tif"))


def test_explain_writes_the_geotiffs_of_a_folder(command: Command, pair_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    scene(folder / "more" / "placed.tif", crs=UTM, transform=NORTH_UP)
    Image.fromarray(texture(1, 0)).save(folder / "plain.tif")
    out = folder / "out"  # inside the image folder, where the heatmaps must not be read as images
    arguments = ("explain", folder, "--pair", pair_folder, "--out", out, "--measure", "none", "--json")
    for _ in range(2):  # the second run resumes the first
        ended = command(*arguments)
        assert ended.status == 0, ended.err
        placed, plain = (json.loads(line) for line in ended.out.splitlines())
        assert plain["geotiff"] is None
        assert placed["geotiff"] == str(out / "maps" / "more" / "placed.tif.tif")
    with rasterio.open(placed["geotiff"]) as file:
        assert file.crs == UTM
        assert np.array_equal(file.read(2), resize_bilinear(np.load(placed["maps"])["scff"], (40, 60)))
    with (out / "results.csv").open(newline="") as file:
        assert [row["geotiff"] for row in csv.DictReader(file)] == ["maps/more/placed.tif.tif", ""]
    shutil.rmtree(out)
    (folder / "more" / "placed.tif").unlink()
    command(*arguments[:5], tmp_path / "plain", "--measure", "none")
    assert "geotiff" not in (tmp_path / "plain" / "results.csv").read_text()

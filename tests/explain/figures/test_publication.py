"""Publication figure: panels, caption, embedded fonts and file size."""

import re
import zlib
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from core.errors import BadInputError
from core.version import VERSION, versions
from explain.cam.analysis import Heatmap, analyse
from explain.cam.question import Question, Smoothing
from explain.explanation import Explanation
from explain.figures.overlay import difference, difference_end, difference_overlay, overlay, scaled
from explain.figures.publication import LARGEST_PANEL, print_figure
from explain.figures.style import FORMATS, Style
from explain.metrics.localisation import Region
from pairs.pair import Pair
from tests.conftest import texture

COLUMN, STEP = 501, 531  # pixels of a panel's width at 300 dpi, and from one to the next

OWN = Question()


def explained(pair: Pair, image: np.ndarray, question: Question = OWN) -> Explanation:
    return Explanation.of(analyse(pair, image), question)


def as_array(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def text_of_svg(data: bytes) -> str:
    """Text in the comments beside the glyph outlines, in their order."""
    lines = re.findall(r"<!-- (.*?) -->", data.decode(), re.DOTALL)
    return " ".join(lines).replace("\n", " ").replace("\xa0", " ")


def text_of_pdf(data: bytes) -> str:
    """Text in the fonts' first subsets, whose codes are Unicode; ligatures are in others."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        for block in re.findall(rb"BT(.*?)ET", content, re.DOTALL):
            letters = b"".join(re.findall(rb"\(((?:\\.|[^\\()])*)\)", block, re.DOTALL))
            found.append(re.sub(rb"\\([()\\])", rb"\1", letters).decode("utf-16-be", "replace"))
    return " ".join(found).replace("\xa0", " ")


def pictures_in_pdf(data: bytes) -> list[tuple[int, int]]:
    """(width, height) of each picture, without transparency masks and colour bars."""
    entries = re.findall(rb"/Type /XObject[^>]*?/Subtype /Image.*?>>", data, re.DOTALL)
    sizes = [tuple(int(re.search(rb"/%s (\d+)" % key, entry)[1]) for key in (b"Width", b"Height")) for entry in entries]
    return [size for size in sizes if min(size) > 60]


@pytest.mark.parametrize("shape", [(167, 167), (334, 167), (1002, 1002)])
def test_panels_are_the_image_the_maps_and_their_difference(pair: Pair, shape: tuple[int, int]) -> None:
    """Image sizes of which the panel's is an integer multiple or fraction."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
    row, style = explained(pair, image, Question(1)), Style("viridis", "shared", 0.4)
    figure = as_array(print_figure([row], "a.tif", style, ".png"))
    assert figure.shape[1] == 2154
    if shape[1] > COLUMN:
        image = np.asarray(Image.fromarray(image).reduce(shape[1] // COLUMN))
    shares = scaled(row.heatmaps, style)
    panels = [image, *(overlay(image, share, style) for share in shares.values())]
    change = difference(row.heatmaps, style)
    panels.append(difference_overlay(image, change, difference_end(change), style))
    height = COLUMN * shape[0] // shape[1]
    top = next(y for y in range(figure.shape[0]) if (figure[y, 30:531] != 255).any(axis=1).mean() > 0.9)
    for i, panel in enumerate(panels):
        left = 30 + i * STEP
        large = panel.repeat(height // panel.shape[0], axis=0).repeat(COLUMN // panel.shape[1], axis=1)
        shown = figure[top : top + height, left : left + COLUMN].astype(int)
        assert np.abs(shown - large).max() <= (1 if shape[1] > COLUMN else 0), i


def test_the_caption_is_complete(pair: Pair) -> None:
    image = texture(0, 0, side=80)
    own = Explanation.of(found := analyse(pair, image))
    text = text_of_svg(print_figure([own], "scene 7.tif", Style(), ".svg"))
    for part in (
        "scene 7.tif.",
        "tiny (resnet18): resized from 80 x 80 to 64 x 64 pixels, downsampled 1.25x, heatmaps of 2 x 2 cells",
        "Grad-CAM++ of the last feature map, for each network's own prediction (its logit).",
        "Colours (inferno): fraction of each map's maximum, interpolated bilinearly from the cells, at 55 % over the",
        "difference: SCFF minus baseline",
        "Not smoothed.",
        f"SCFF Lens {VERSION}, torch {versions()['torch']}, timm {versions()['timm']}.",
        "Image", "Baseline", "With SCFF", "Difference", "80 x 80 pixels",
    ):  # fmt: skip
        assert part in text
    assert "Outlined" not in text
    for run in found.networks.values():
        share = run.probabilities[run.prediction]
        assert f"{pair.classes[run.prediction]}, {share * 100:.1f} %" in text


def test_caption_describes_target_layer_method_and_smoothing(pair: Pair) -> None:
    image, style = texture(0, 0, side=80), Style(scale="shared")
    row = explained(pair, image, Question(1, against=2, layer="Y3", smoothing=Smoothing(2, 0.2)))
    text = text_of_svg(print_figure([row], "a", style, ".svg", Region.from_box((3, 3, 50, 60), (80, 80))))
    assert "Grad-CAM++ of fused map Y3 (baseline: stage X3), for roof over water" in text
    assert "(the difference of their logits)" in text
    assert "fraction of the larger of the two maxima" in text
    assert "SmoothGrad: 2 samples with noise of 20 % of the image's range." in text
    assert "Outlined: the marked region." in text
    other = explained(pair, image, Question(method="eigencam"))
    text = text_of_svg(print_figure([other], "a", style, ".svg"))
    assert "Eigen-CAM of the last feature map, class-agnostic." in text
    assert "heatmap for" not in text
    text = text_of_svg(print_figure([row, other], "a", style, ".svg"))
    assert "for roof over water" in text
    assert "class-agnostic" in text
    assert "Smoothing differs" in text


def test_empty_maps_are_labelled(pair: Pair) -> None:
    row = explained(pair, texture(0, 0), Question(2))
    empty = {role: Heatmap(heatmap.values * 0, 2) for role, heatmap in row.heatmaps.items()}
    text = text_of_svg(print_figure([replace(row, heatmaps=empty)], "a", Style(), ".svg"))
    assert text.count("empty map: no evidence for water") == 2
    assert "none: both heatmaps are empty" in text


def test_pdf_embeds_fonts_and_its_text_can_be_read(pair: Pair) -> None:
    data = print_figure([explained(pair, texture(0, 0))], "scene $x_1$.tif", Style(), ".pdf")
    fonts = re.findall(rb"/FontName /(\S+)", data)
    assert fonts
    assert data.count(b"/FontFile2") == len(fonts)
    assert b"/Subtype /Type3" not in data
    assert b"CreationDate" not in data
    text = text_of_pdf(data)
    for part in ("scene $x_1$.tif", "Grad-CAM++", "With SCFF", f"SCFF Lens {VERSION}"):
        assert part in text


def test_pdf_and_svg_keep_the_pixels_of_small_images(pair: Pair) -> None:
    row = explained(pair, texture(0, 0, side=80)[:70])
    assert pictures_in_pdf(print_figure([row], "a", Style(), ".pdf")) == 4 * [(80, 70)]
    assert print_figure([row], "a", Style(), ".svg").count(b"image-rendering:pixelated") >= 4


def test_large_images_are_reduced(pair: Pair) -> None:
    image = np.random.default_rng(0).integers(0, 256, (2500, 5000, 3), dtype=np.uint8)
    data = print_figure([explained(pair, image)], "a", Style(), ".pdf", Region.from_box((1, 1, 4, 4), (2500, 5000)))
    assert pictures_in_pdf(data) == 4 * [(LARGEST_PANEL, LARGEST_PANEL // 2)]
    assert len(data) < 4 * 3 * LARGEST_PANEL * LARGEST_PANEL // 2 * 1.1


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(
    "name", ["a$x_{$.png", "场景.tif", "n" * 250, "<&>--]]>.tif", "a\nb\x07\udcff.tif", "", "شارع.png", "🛰.tif"]
)
def test_any_file_name_can_be_printed(pair: Pair, name: str, ending: str) -> None:
    data = print_figure([explained(pair, texture(0, 0))], name, Style(), ending)
    if ending == ".svg":
        ElementTree.fromstring(data)
        assert "\n" not in name or "a�b��.tif" in text_of_svg(data)
    if ending == ".png":
        figure = as_array(data)
        assert figure.shape[1] == 2154
        for edge in (figure[:10], figure[-10:], figure[:, :5], figure[:, -5:]):
            assert (edge == 255).all()  # nothing is cut off


@pytest.mark.parametrize("ending", FORMATS)
def test_figure_is_reproducible(pair: Pair, ending: str) -> None:
    row, region = explained(pair, texture(0, 0)), Region.from_box((3, 3, 20, 20), (40, 40))
    assert print_figure([row], "a", Style(), ending, region) == print_figure([row], "a", Style(), ending, region)


@pytest.mark.parametrize("shape", [(16, 256), (40, 130), (256, 16), (90, 90), (8, 8)])
def test_panels_keep_the_aspect_ratio_of_the_image(pair: Pair, shape: tuple[int, int]) -> None:
    """A picture of one colour appears in four panels with its aspect ratio, stacked when it is wide."""
    image = np.full((*shape, 3), (10, 200, 30), dtype=np.uint8)
    row, style = explained(pair, image), Style(opacity=0)
    for ending in FORMATS:
        data = print_figure([row, row], "a.tif", style, ending, None)
        assert len(data) < 2_000_000
    figure = as_array(print_figure([row, row], "a.tif", style, ".png"))
    green = (figure == (10, 200, 30)).all(axis=2)
    down, across = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    rows, columns = (1 + int((np.diff(places) > 1).sum()) for places in (down, across))
    assert (rows, columns) == ((8, 1) if shape[1] > 3 * shape[0] else (2, 4))
    assert (len(across) / columns) / (len(down) / rows) == pytest.approx(shape[1] / shape[0], rel=0.02)
    assert green.sum() == len(down) * len(across)
    assert figure.shape[0] < 300 * 14


def test_a_region_is_outlined_on_every_panel(pair: Pair) -> None:
    image = np.full((90, 90, 3), (10, 200, 30), dtype=np.uint8)
    row, style = explained(pair, image), Style(opacity=0)
    plain, marked = (
        as_array(print_figure([row], "a", style, ".png", region))
        for region in (None, Region.from_box((0, 30, 60, 60), (90, 90)))
    )
    for i in range(4):
        left = 30 + i * STEP
        columns = slice(left, left + COLUMN)
        green = (plain[:, columns] == (10, 200, 30)).all(axis=2)
        top = int(np.flatnonzero(green.any(axis=1))[0])
        changed = (plain[top : top + COLUMN, columns] != marked[top : top + COLUMN, columns]).any(axis=2)
        down, across = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        scale = COLUMN / 90
        assert down[[0, -1]] / scale == pytest.approx([30, 60], abs=1)
        assert across[[0, -1]] / scale == pytest.approx([0, 60], abs=1)
        inside = changed[round(35 * scale) : round(55 * scale), round(5 * scale) : round(55 * scale)]
        assert not inside.any()


def test_single_marked_pixel_of_a_large_image_is_visible(pair: Pair) -> None:
    image = np.full((3000, 3000, 3), (10, 200, 30), dtype=np.uint8)
    row, mask = explained(pair, image), np.zeros((3000, 3000), dtype=bool)
    mask[1501, 1777] = True
    plain, marked = (print_figure([row], "a", Style(opacity=0), ".png", region) for region in (None, Region(mask)))
    changed = (as_array(marked)[:600] != as_array(plain)[:600]).any(axis=2)
    assert changed[:, 30:531].any()


def test_colour_bars_match_the_colour_maps(pair: Pair) -> None:
    figure = as_array(print_figure([explained(pair, texture(0, 0))], "a", Style("viridis"), ".png"))
    for colour_map in ("viridis", "RdBu_r"):
        for end in (0.0, 1.0):
            colour = np.rint(np.array(matplotlib.colormaps[colour_map](end)[:3]) * 255)
            assert (np.abs(figure.astype(int) - colour).max(axis=2) <= 1).sum() > 20


def test_unknown_format_is_rejected(pair: Pair) -> None:
    with pytest.raises(BadInputError, match=r"unknown format '.doc'; known: .pdf"):
        print_figure([explained(pair, texture(0, 0))], "a", Style(), ".doc")

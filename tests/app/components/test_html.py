"""HTML components shared by several tabs."""

from matplotlib import colormaps
from matplotlib.colors import to_hex

from app.components.html import colour_bar, image_with_heatmap, message


def test_message_is_escaped_and_an_error_is_an_alert() -> None:
    assert "&lt;b&gt;" in message("<b>")
    assert "role='status'" in message("done")
    assert "role='alert'" in message("failed", "error")


def test_empty_heatmap_is_omitted_from_the_image() -> None:
    both = image_with_heatmap("/image", "/heat", "an overlay", (50, 100))
    assert both.count("<img") == 2
    assert "--shape: 2.0000" in both
    assert "alt='an overlay'" in both
    assert image_with_heatmap("/image", "", "no evidence", (50, 100)).count("<img") == 1


def test_a_colour_bar_runs_from_the_lowest_colour_to_the_highest() -> None:
    bar = colour_bar("viridis", "zero", "maximum")
    low, high = (to_hex(colormaps["viridis"](end)) for end in (0.0, 1.0))
    assert bar.index(low) < bar.index(high)
    assert bar.index("zero") < bar.index("maximum")

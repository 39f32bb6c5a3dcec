"""`python -m training data`."""

import json
from pathlib import Path

from PIL import Image

from tests.training.conftest import Command


def test_json_output_describes_the_folder(command: Command, scenes: Path) -> None:
    Image.open(scenes / "roof" / "0001.tif").save(scenes / "roof" / "again.png")
    (scenes / "water" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    ended = command("training", "data", scenes, "--json")
    assert ended.status == 0
    assert json.loads(ended.out) == {
        "images": 19,
        "classes": {"field": 6, "roof": 7, "water": 6},
        "sizes": {"40x40": 19},
        "unreadable": ["water/broken.jpg"],
        "duplicates": [["roof/0001.tif", "roof/again.png"]],
    }
    assert "water/broken.jpg" in ended.err


def test_text_output_describes_the_folder(command: Command, scenes: Path) -> None:
    ended = command("training", "data", scenes)
    assert "18 images in 3 classes" in ended.out
    assert "40x40 (18)" in ended.out

"""Session state and its link."""

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from app.components.region import Marking
from app.session.settings import Settings, settings_from_query
from app.session.state import SessionState
from app.storage.source_image import SourceImage
from explain.metrics.localisation import Region
from tests.conftest import texture

pytestmark = pytest.mark.essential


def source(key: str) -> SourceImage:
    return SourceImage("a.tif", lambda: texture(1, 0, side=80), key)


def test_link_restores_settings_image_pairs_and_box() -> None:
    settings = Settings("idle land & more", "none", "Y2", "hirescam", True, "jet", "shared", 0.3)
    marking = Marking(Region.from_box((0, 0, 9, 9), (80, 80)), (1, 2, 30, 40))
    link = SessionState(source("harbour"), (80, 80), "/x", ("one", "two", "three"), marking).link(settings)
    query = {name: values[0] for name, values in parse_qs(link).items()}
    assert settings_from_query(query) == settings
    assert (query["image"], query["pair"], query["more"], query["box"]) == ("harbour", "one", "two,three", "1,2,30,40")
    chosen = replace(source("harbour"), bands=(4, 3, 2))
    assert SessionState(chosen, pairs=("one",)).link(Settings()) == "image=harbour&bands=4%2C3%2C2&pair=one"
    assert SessionState(source("harbour"), pairs=("one",)).link(Settings()) == "image=harbour&pair=one"

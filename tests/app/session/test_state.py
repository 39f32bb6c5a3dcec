"""A visit's image, settings and link."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs

import numpy as np
import pytest

from app.session.image import Marking, SourceImage, display_size, resized_for_display
from app.session.settings import Settings, settings_from_query
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache
from app.storage.uploads import Uploads
from core.errors import BadInputError
from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.question import Question
from explain.metrics.localisation import Region
from pairs.pair import Pair, load_pair
from tests.conftest import texture


def picture(key: str = "k") -> SourceImage:
    return SourceImage("a.tif", lambda: texture(1, 0, side=80), key)


def test_settings_become_a_question_and_a_style(pair: Pair) -> None:
    question = Settings("roof", "water", "Y3", "layercam", smooth=True).question(pair)
    assert (question.target, question.against, question.layer, question.method) == (1, 2, "Y3", "layercam")
    assert question.smoothing is not None
    plain = Settings().question(pair)
    assert plain.target is plain.against is plain.smoothing is None
    assert Settings(colour_map="jet", scale="shared", opacity=0.2).style.colour_map == "jet"
    with pytest.raises(BadInputError, match="unknown class 'lake'"):
        Settings("lake").question(pair)
    with pytest.raises(BadInputError, match="cannot be contrasted with itself"):
        Settings("roof", "roof").question(pair)


def test_a_link_brings_everything_back() -> None:
    settings = Settings("idle land & more", "none", "Y2", "hirescam", True, "jet", "shared", 0.3)
    marking = Marking(Region.box(80, 80, 0, 0, 9, 9), (1, 2, 30, 40))
    link = SessionState(picture("harbour"), (80, 80), "/x", ("one", "two", "three"), marking).link(settings)
    query = {name: values[0] for name, values in parse_qs(link).items()}
    assert settings_from_query(query) == settings
    assert (query["image"], query["pair"], query["more"], query["box"]) == ("harbour", "one", "two,three", "1,2,30,40")
    chosen = replace(picture("harbour"), bands=(4, 3, 2))
    assert SessionState(chosen, pairs=("one",)).link(Settings()) == "image=harbour&bands=4%2C3%2C2&pair=one"
    assert SessionState(picture("harbour"), pairs=("one",)).link(Settings()) == "image=harbour&pair=one"


def test_a_link_with_nonsense_is_as_usual() -> None:
    wrong = {"opacity": "much", "unknown": "x", "method": "lime", "colour_map": "rainbow", "scale": "both"}
    assert settings_from_query(wrong) == settings_from_query({"opacity": "7"}) == settings_from_query({}) == Settings()


def test_images_are_shown_at_most_so_large() -> None:
    assert resized_for_display(np.zeros((1000, 3000, 3), dtype=np.uint8)).shape == (341, 1024, 3)
    small = texture(0, 0)
    assert resized_for_display(small) is small
    large = np.zeros((1000, 3000, 3), dtype=np.uint8)
    large[:500, :1500] = (250, 120, 10)
    for_eyes = resized_for_display(large)
    assert for_eyes[100, 200].tolist() == [250, 120, 10]
    assert not for_eyes[300, 200].any()
    assert not for_eyes[100, 900].any()
    assert display_size(10_000, 5_000) == (1024, 512)
    assert display_size(20_000, 1_250) == (1024, 64)


def test_what_was_seen_is_kept_for_the_pair_as_it_is(pair: Pair, pair_folder: Path) -> None:
    analyses = AnalysisCache(most=2)
    assert analyses.find(picture(), pair) is None
    seen = analyses.make(picture(), pair, texture(1, 0, side=1200))
    assert seen.analysis.image.shape == (1024, 1024, 3)
    assert analyses.find(picture(), pair) is seen
    assert analyses.find(picture("other"), pair) is None
    assert analyses.find(replace(picture(), bands=(4, 3, 2)), pair) is None  # is another image
    assert analyses.find(picture(), load_pair(pair_folder)) is None  # of that name, loaded anew
    question = Settings("roof").question(pair)
    assert seen.heatmaps(question) is seen.heatmaps(question)
    for key in ("b", "c"):
        analyses.make(picture(key), pair, texture(1, 0))
    assert analyses.find(picture(), pair) is None
    assert analyses.find(picture("c"), pair) is not None


def test_of_large_analyses_fewer_are_kept(pair: Pair) -> None:
    one = sum(
        m.nbytes
        for run in AnalysisCache().make(picture(), pair, texture(1, 0)).analysis.runs.values()
        for m in run.run.maps.values()
    )
    analyses = AnalysisCache(most_bytes=2 * one)
    for key in ("a", "b", "c"):
        analyses.make(picture(key), pair, texture(1, 0))
    assert [analyses.find(picture(key), pair) is not None for key in ("a", "b", "c")] == [False, True, True]
    scarce = AnalysisCache(most_bytes=1)
    scarce.make(picture("a"), pair, texture(1, 0))
    assert scarce.find(picture("a"), pair) is not None


def test_uploads_are_found_until_they_go(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"x")
    uploads = Uploads(seconds=60)
    key = uploads.keep(file, "a.tif")
    assert uploads.find(key) == (file, "a.tif")
    assert uploads.find("guessed") is None
    file.unlink()
    assert uploads.find(key) is None
    ended = Uploads(seconds=0)
    file.write_bytes(b"x")
    assert ended.find(ended.keep(file, "a.tif")) is None


def test_one_long_answer_at_a_time_and_quick_ones_beside_it(pair: Pair) -> None:
    first, second = (AnalysisCache().make(picture(str(label)), pair, texture(label, 0, side=80)) for label in range(2))
    begun, go_on = Event(), Event()

    @dataclass(frozen=True)
    class Waiting(PairAnalysis):
        def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
            begun.set()
            assert go_on.wait(30)
            return super().all_heatmaps(question, layers)

    held = replace(first, analysis=Waiting(**vars(first.analysis)))
    long = Question(1, layer="X1", method="scorecam")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(held.heatmaps, long)
        assert begun.wait(30)
        with pytest.raises(BadInputError, match="this server is at one already"):
            second.heatmaps(long)
        assert second.heatmaps(Question(1)).keys() == {"baseline", "scff"}
        go_on.set()
        assert answer.result().keys() == {"baseline", "scff"}
    assert second.heatmaps(long).keys() == {"baseline", "scff"}

"""HTTP API endpoints, called by a client in another process."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from rasterio.transform import from_origin

from app.api.endpoints import Endpoints
from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.figures.style import Style
from explain.metrics.faithfulness import faithfulness
from explain.output.single_image import ImageRun, explain_image
from explain.region_option import RegionOption
from imagery.reading import read_image
from pairs.folder import PairFolder
from pairs.inference import inference_ready
from pairs.pair import Pair, load_pair
from tests.conftest import CLASSES, texture

API_PAGE = Path(__file__).parents[3] / "docs" / "api.md"
NAMED = {"/pairs", "/card", "/explain", "/maps", "/faithfulness", "/inside", "/record"}

CLIENT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

url, folder, calls, threads = json.load(sys.stdin)

def call(request):
    client = Client(url, verbose=False, download_files=folder) if threads > 1 else shared
    name, arguments = request
    arguments = {key: handle_file(value) if key == "image" else value for key, value in arguments.items()}
    if name == "view_api":
        return {"value": client.view_api(return_format="dict", print_info=False)}
    try:
        return {"value": client.predict(**arguments, api_name=name)}
    except AppError as error:
        return {"error": str(error)}

shared = Client(url, verbose=False, download_files=folder)
with ThreadPoolExecutor(threads) as pool:
    print(json.dumps(list(pool.map(call, calls))))
"""

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def call_api(url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[dict[str, Any]]]:
    """Makes calls by a client in its own process; each result is a value or an error message."""

    def run_client(calls: Calls, threads: int = 1) -> list[dict[str, Any]]:
        request = json.dumps([url, str(tmp_path_factory.mktemp("got")), calls, threads])
        ended = subprocess.run(
            [sys.executable, "-c", CLIENT], input=request, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout.splitlines()[-1])

    return run_client


@pytest.fixture(scope="module")
def served_pair(checkpoints: Path) -> Pair:
    """The server's pair, inference-ready as on the server."""
    return inference_ready(load_pair(checkpoints / "tiny"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def scene(folder: Path) -> Path:
    """A GeoTIFF."""
    place = {"crs": "EPSG:32650", "transform": from_origin(240_000, 3_380_000, 2, 2)}
    path = folder / "a scene.tif"
    with rasterio.open(path, "w", driver="GTiff", height=90, width=120, count=3, dtype="uint8", **place) as file:
        file.write(texture(1, 0, side=120)[:90].transpose(2, 0, 1))
    return path


QUESTION = {"target": "roof", "layer": "Y3", "method": "hirescam"}
DISPLAY = {"against": "water", "box": "10,20,60,80", "scale": "shared", "colour_map": "viridis"}


@pytest.fixture(scope="module")
def answers(call_api: Callable, scene: Path) -> dict[str, Any]:
    """Result of each endpoint for one scene."""
    source = {"image": str(scene), "pair": "tiny"}
    question = {**source, **QUESTION}
    calls = {
        "/pairs": {},
        "/card": {"pair": "tiny"},
        "/explain": {**question, **DISPLAY},
        "/maps": question,
        "/faithfulness": question,
        "/inside": {**source, "target": "roof", "against": "water"},
        "/record": {**question, **DISPLAY},
        "view_api": {},
    }
    return dict(zip(calls, (found["value"] for found in call_api(list(calls.items()))), strict=True))


def test_api_lists_the_named_endpoints_and_no_page_events(answers: dict[str, Any]) -> None:
    offered = answers["view_api"]
    assert set(offered["named_endpoints"]) == NAMED
    assert not offered["unnamed_endpoints"]
    assert all(endpoint["description"] for endpoint in offered["named_endpoints"].values())


def test_parameters_are_documented_with_types_and_defaults(answers: dict[str, Any]) -> None:
    explain = answers["view_api"]["named_endpoints"]["/explain"]
    described = {each["parameter_name"]: each for each in explain["parameters"]}
    assert list(described)[:5] == ["image", "pair", "target", "layer", "method"]
    assert [name for name, each in described.items() if not each["parameter_has_default"]] == ["image", "pair"]
    defaults = {name: each["parameter_default"] for name, each in described.items() if each["parameter_has_default"]}
    assert defaults == {
        "target": "own", "layer": "fused", "method": "gradcam++", "against": None, "bands": None, "smooth": False,
        "box": None, "scale": "own", "colour_map": "inferno",
    }  # fmt: skip
    assert described["method"]["python_type"]["type"].startswith("Literal['gradcam++', 'gradcam'")
    assert described["smooth"]["python_type"]["type"] == "bool"
    assert "each network's own prediction" in described["target"]["label"]
    assert explain["returns"][0]["python_type"]["type"] == "filepath"


def test_pairs_and_card_endpoints_describe_the_pair(answers: dict[str, Any]) -> None:
    assert answers["/pairs"] == ["tiny"]
    card = answers["/card"]
    assert (card["arch"], card["classes"]) == ("resnet18", list(CLASSES))
    assert card["data"]["images"] == 18
    assert card["scff"]["test"]["share"] == 0.5
    assert card["scff"]["test"]["interval"] == pytest.approx([0.299, 0.701], abs=0.001)
    assert card["scff"]["fusion"]["fusion"] == "sk_softmax"
    assert card["baseline"]["fusion"] is None
    assert card["baseline"]["class_accuracy"] == {"field": 0.25, "roof": 0.75, "water": None}
    assert 0 < card["baseline"]["parameters"] < card["scff"]["parameters"]


def test_explain_endpoint_matches_the_command_line(
    answers: dict[str, Any], scene: Path, served_pair: Pair, tmp_path: Path
) -> None:
    figure, answer = answers["/explain"]
    run = ImageRun(
        served_pair,
        Question(1, 2, "Y3", "hirescam"),
        style=Style("viridis", "shared"),
        region=RegionOption("10,20,60,80"),
    )
    expected = explain_image(scene, tmp_path / "x", run)
    files = {"image": "a scene.tif", "figure": "a scene.png", "maps": None, "geotiff": None}
    assert {name: answer[name] for name in files} == files
    assert str(scene.parent) not in json.dumps(answer)
    found, wanted = (flat(each | dict.fromkeys(files), "asked.image") for each in (answer, expected))
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        near = isinstance(value, float)
        assert found[name] == (pytest.approx(value, rel=1e-3, abs=1e-6) if near else value), name
    assert Path(figure).name == "a scene.png"
    drawn, ours = (np.asarray(Image.open(path), dtype=int) for path in (figure, expected["figure"]))
    assert drawn.shape == ours.shape
    assert np.abs(drawn - ours).max() <= 1


def test_maps_endpoint_gives_raw_npz_and_georeferenced_tiff(
    answers: dict[str, Any], scene: Path, served_pair: Pair
) -> None:
    arrays, geotiff = answers["/maps"]
    assert [Path(arrays).name, Path(geotiff).name] == ["a scene.npz", "a scene-heatmaps.tif"]
    found = np.load(arrays)
    expected = analyse(served_pair, read_image(scene)).heatmaps(Question(1, None, "Y3", "hirescam"))
    for role, heatmap in expected.items():
        assert found[role].dtype == np.float32
        assert found[role] == pytest.approx(heatmap.values, rel=1e-4, abs=1e-7)
    with rasterio.open(geotiff) as ours, rasterio.open(scene) as theirs:
        assert ours.bounds == pytest.approx(theirs.bounds)
        assert ours.crs == theirs.crs
        assert ours.tags()["scff_target"] == "roof"


def test_faithfulness_endpoint_evaluates_the_requested_heatmap(
    answers: dict[str, Any], scene: Path, served_pair: Pair
) -> None:
    analysis = analyse(served_pair, read_image(scene))
    run, heatmap = analysis.scff.forward_pass, analysis.heatmaps(Question(1, None, "Y3", "hirescam"))["scff"]
    expected = faithfulness(run.network, run.images, heatmap.values[None], [1])[0]
    found = answers["/faithfulness"]["scff"]
    assert found["target"] == "roof"
    for name in ("confidence", "drop", "insertion_area", "deletion_area", "road"):
        assert found[name] == pytest.approx(expected.as_json()[name], abs=1e-4)


def test_inside_endpoint_gives_fusion_weights_and_stage_shares(answers: dict[str, Any]) -> None:
    inside, answer = answers["/inside"], answers["/explain"][1]
    assert (inside["target"], inside["against"]) == ("roof", "water")
    for layer, fusion in inside["fusions"].items():
        assert fusion["mean"] == pytest.approx(answer["earlier_weights"][layer]["mean"])
        assert np.add(fusion["earlier"], fusion["stage"]) == pytest.approx(1, abs=1e-5)
    for name, stage in inside["stages"].items():
        assert stage["share"] == pytest.approx(stage["score"] - stage["without"])
        assert stage["share"] == pytest.approx(answer["stage_shares"][name], abs=1e-6)


def test_record_endpoint_matches_the_explain_endpoint(answers: dict[str, Any]) -> None:
    record, answer = answers["/record"], answers["/explain"][1]
    assert record["scff"]["probabilities"] == pytest.approx(answer["scff"]["probabilities"])
    assert record["size"] == {"width": 120, "height": 90}
    assert record["question"]["target"] == "roof"
    assert record["style"]["colour_map"] == "viridis"
    assert record["region"]["box"] == [10, 20, 60, 80]
    assert "The region holds" in record["comparison"]["words"]


INVALID = {
    "no such pair": ({"pair": "zz"}, "no pair 'zz' in checkpoints; there are: tiny"),
    "no such class": ({"target": "sea"}, "unknown class 'sea'; tiny has the classes field, roof, water"),
    "no such layer": ({"layer": "Y9"}, "unknown layer 'Y9'; these networks have fused, Y2"),
    "no such method": ({"method": "lime"}, "unknown method 'lime'; known: gradcam++"),
    "no such scale": ({"scale": "log"}, "unknown scale 'log'; known: own, shared"),
    "no such colours": ({"colour_map": "red"}, "unknown colour map 'red'; known: inferno"),
    "no target": ({"against": "roof"}, "a contrast class needs a target class; choose one as well"),
    "no bands": ({"bands": "red"}, "'red' is not a band selection"),
    "too few bands": ({"bands": "7"}, "band 7 cannot be chosen; it has 1 (red)"),
    "no box": ({"box": "left"}, "'left' is not a box; give left,top,right,bottom"),
    "box outside": ({"box": "500,500,600,600"}, "is outside the image of 120 x 90 pixels"),
    "no image": ({"image": "words.tif"}, "words.tif: not an image of a supported format"),
    "cut": ({"image": "cut.jpg"}, "cut.jpg: the image is damaged or truncated"),
    "empty": ({"image": "empty.png"}, "empty.png: the file is empty"),
}


@pytest.fixture(scope="module")
def errors(call_api: Callable, scene: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Result of each invalid request."""
    (folder / "words.tif").write_bytes(b"not pixels")
    (folder / "empty.png").write_bytes(b"")
    Image.fromarray(texture(1, 0)).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:700])
    calls = []
    for changed, _ in INVALID.values():
        arguments = {"image": scene.name, "pair": "tiny", **changed}
        calls.append(("/explain", {**arguments, "image": str(folder / arguments["image"])}))
    return dict(zip(INVALID, call_api(calls), strict=True))


@pytest.mark.parametrize("case", INVALID)
def test_invalid_request_gives_a_one_line_error(errors: dict[str, dict[str, Any]], case: str) -> None:
    message = errors[case]["error"]
    assert INVALID[case][1] in message
    assert "\n" not in message
    assert "/tmp" not in message


ARGUMENTS = ["tiny", "own", "fused", "gradcam++", None, None, False]
FORGED = {
    "explain": [*ARGUMENTS, None, "own", "inferno"],
    "maps": ARGUMENTS,
    "faithfulness": ARGUMENTS,
    "inside": ["tiny", "own", None, None],
    "record": [*ARGUMENTS, None, "own", "inferno"],
}
META = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize("name", FORGED)
def test_server_file_paths_are_rejected(url: str, tmp_path: Path, name: str) -> None:
    """Forged calls for files that were not uploaded: a picture in another folder, and a system file."""
    secret = tmp_path / "secret.png"
    Image.fromarray(texture(0, 0)).save(secret)
    for path in (str(secret), "/etc/hostname", f"{gettempdir()}/gradio/../..{secret}"):
        for file in ({"path": path, **META}, {"path": path}, path):
            events = forged(url, name, file)
            assert "event: error" in events
            assert "event: complete" not in events
            assert "not an image" not in events  # the file was not even opened


def test_uploaded_file_paths_are_accepted(url: str, tmp_path: Path) -> None:
    """Control of the test above: the same calls with an uploaded file succeed."""
    Image.fromarray(texture(0, 0)).save(tmp_path / "own.png")
    body = b"--x\r\nContent-Disposition: form-data; name=files; filename=own.png\r\n\r\n"
    body += (tmp_path / "own.png").read_bytes() + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/gradio_api/upload", body, kind), timeout=60) as reply:
        (path,) = json.load(reply)
    for name in ("explain", "maps", "inside", "record"):
        assert "event: complete" in forged(url, name, {"path": path, **META})


def test_remote_urls_are_not_fetched(url: str) -> None:
    for where in ("https://example.com/a.png", "http://127.0.0.1:1/a.png"):
        events = forged(url, "explain", {"path": where, "url": where, **META})
        assert "this is a URL; send the file itself" in events
    elsewhere = {"path": "https://example.com/a.png", "meta": {"_type": "gradio.FileData"}}
    body = {"data": [None, elsewhere, *FORGED["explain"][1:]]}  # in place of the pair's name
    assert "this is a URL; send the file itself" in called(url, "explain", body)


def forged(url: str, name: str, file: object) -> str:
    """Event stream of a call with this file argument, bypassing the client library."""
    return called(url, name, {"data": [file, *FORGED[name]]})


def called(url: str, name: str, body: object) -> str:
    """Event stream of a call."""
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/gradio_api/call/{name}", json.dumps(body).encode(), kind)
    with urllib.request.urlopen(request, timeout=60) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{url}/gradio_api/call/{name}/{event}", timeout=60) as stream:
        return stream.read().decode()


def test_eight_concurrent_clients_get_their_own_results(call_api: Callable, folder: Path, served_pair: Pair) -> None:
    calls, expected = [], []
    for number in range(8):
        path = folder / f"{number}.png"
        Image.fromarray(texture(number % 3, number, side=64 + number)).save(path)
        calls += [("/maps", {"image": str(path), "pair": "tiny"}), ("/explain", {"image": str(path), "pair": "tiny"})]
        expected.append(analyse(served_pair, read_image(path)))
    found = call_api(calls, threads=8)
    for number, analysis in enumerate(expected):
        (arrays, _), (_, answer) = (each["value"] for each in found[2 * number : 2 * number + 2])
        assert answer["image"] == f"{number}.png"
        heatmaps = analysis.heatmaps()
        for role, run in analysis.networks.items():
            assert np.load(arrays)[role] == pytest.approx(heatmaps[role].values, rel=1e-3, abs=1e-7)
            assert list(answer[role]["probabilities"].values()) == pytest.approx(run.probabilities, abs=1e-5)
            others = [each.networks[role].probabilities for each in expected if each is not analysis]
            assert all(np.abs(other - run.probabilities).max() > 1e-4 for other in others)


def test_second_request_for_the_same_content_runs_no_backbone(
    checkpoints: Path, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Pair] = []
    monkeypatch.setattr("app.storage.analyses.analyse", lambda pair, image: runs.append(pair) or analyse(pair, image))
    endpoints = Endpoints(PairFolder(checkpoints, torch.device("cpu")), tmp_path / "results")
    again = tmp_path / "again.tif"
    again.write_bytes(scene.read_bytes())
    first = endpoints.explain(str(scene), "tiny")[1]
    second = endpoints.explain(str(again), "tiny", method="layercam")[1]
    assert len(runs) == 1
    assert second["image"] == "again.tif"
    assert second["scff"]["probabilities"] == first["scff"]["probabilities"]
    endpoints.explain(str(scene), "tiny", bands="3,2,1")
    assert len(runs) == 2


def test_large_image_is_drawn_at_display_size(checkpoints: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(texture(1, 0, side=1300)).save(path)
    endpoints = Endpoints(PairFolder(checkpoints, torch.device("cpu")), tmp_path / "results")
    figure, answer = endpoints.explain(str(path), "tiny", box="0,0,650,1300")
    with Image.open(figure) as drawn:
        assert 4 * 1024 < drawn.width < 5 * 1024
    assert answer["scff"]["region"]["area"] == 0.5


def test_documented_client_example_runs(url: str, scene: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"## From Python.*?```python\n(.*?)```", API_PAGE.read_text(), re.DOTALL)
    (tmp_path / "scene.tif").write_bytes(scene.read_bytes())
    code = code.replace("http://127.0.0.1:7860", url)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    first, second = ended.stdout.splitlines()[-2:]
    assert "scene.png" in first
    assert any(name in first for name in CLASSES)
    assert second.startswith("(2, 2)")
    assert second.endswith("scene-heatmaps.tif")


def flat(values: Any, *left_out: str, name: str = "") -> dict[str, Any]:
    """Nested dictionaries and lists as one dictionary, by path."""
    if name in left_out:
        return {}
    if isinstance(values, dict):
        items = values.items()
    elif isinstance(values, list | tuple):
        items = enumerate(values)
    else:
        return {name: values}
    return {
        path: value
        for key, each in items
        for path, value in flat(each, *left_out, name=f"{name}.{key}" if name else str(key)).items()
    }

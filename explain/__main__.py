"""Command line: explain images with a checkpoint pair."""

import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from explain.analysis import LAYERS, METHODS, Heatmap, NetworkAnalysis, analyse
from explain.figure import side_by_side
from models.atomic import write_file
from models.checkpoint import ROLES, Pair, load_pair
from models.command_line import run
from models.device import choose_device
from models.errors import BadInputError
from models.image_file import read_image


def main(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    pair_dir: Annotated[Path, typer.Option("--pair", metavar="PAIR_DIR", help="Folder of a checkpoint pair.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where figures, maps and JSON are written.")],
    target: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Class to explain in both; default: each one's prediction.")
    ] = None,
    layer: Annotated[str, typer.Option(help=f"One of: {', '.join(LAYERS)} (the classifier's input).")] = "fused",
    method: Annotated[str, typer.Option(help=f"One of: {', '.join(METHODS)}.")] = "gradcam++",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image on standard output.")] = False,
) -> None:
    """Writes, for each image, a side-by-side figure (PNG), the raw heatmaps (NPZ) and the predictions (JSON)."""
    for value, known, name in ((layer, LAYERS, "layer"), (method, METHODS, "method")):
        if value not in known:
            raise BadInputError(f"unknown {name} {value!r}; known: {', '.join(known)}")
    pair = load_pair(pair_dir, choose_device(device))
    index = None if target is None else pair.class_index(target)
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file; name a folder for the results")
    stems = _stems(images, out)
    inputs = {image.resolve() for image in images}
    if lost := [stem for stem in stems if (out / f"{stem}.png").resolve() in inputs]:
        raise BadInputError(f"{out / lost[0]}.png is one of the images and would be overwritten; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    failed = False
    for image, stem in zip(images, stems, strict=True):
        try:
            result = _explain(image, pair, index, out / stem, layer, method)
        except BadInputError as error:  # the other images are still explained
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        if as_json:
            print(json.dumps(result))
        else:
            said = ", ".join(f"{role}: {result[role]['prediction']}" for role in ROLES)
            print(f"{image}: {said} -> {result['figure']}")
    if failed:
        sys.exit(2)


def _explain(image: Path, pair: Pair, target: int | None, stem: Path, layer: str, method: str) -> dict:
    analysis = analyse(pair, read_image(image))
    maps = analysis.heatmaps(target)
    files = {"figure": Path(f"{stem}.png"), "maps": Path(f"{stem}.npz")}
    figure, arrays = BytesIO(), BytesIO()
    side_by_side(analysis, maps, image.name).save(figure, format="PNG")
    np.savez(arrays, **{role: heatmap.values for role, heatmap in maps.items()})
    result = {
        "image": str(image),
        "pair": pair.name,
        "layer": layer,
        "method": method,
        **{role: _words(run, maps[role]) for role, run in analysis.runs.items()},
        **{name: str(path) for name, path in files.items()},
    }
    write_file(files["figure"], figure.getvalue())
    write_file(files["maps"], arrays.getvalue())
    write_file(Path(f"{stem}.json"), (json.dumps(result, indent=1) + "\n").encode())
    return result


def _words(run: NetworkAnalysis, heatmap: Heatmap) -> dict:
    classes = run.loaded.header.classes
    return {
        "prediction": classes[run.prediction],
        "confidence": float(run.probabilities[run.prediction]),
        "target": classes[heatmap.target],
        "target_confidence": float(run.probabilities[heatmap.target]),
        "empty": heatmap.empty,
        "probabilities": dict(zip(classes, map(float, run.probabilities), strict=True)),
    }


def _stems(images: list[Path], out: Path) -> list[str]:
    """Names of the results: the image's without its ending, numbered where another image has that name."""
    stems: list[str] = []
    for image in images:
        stem, number = image.stem, 1
        while stem in stems or _taken(out / f"{stem}.json", image):
            number += 1
            stem = f"{image.stem}-{number}"
        stems.append(stem)
    return stems


def _taken(result: Path, image: Path) -> bool:
    """Whether a result of an earlier call is of another image."""
    try:
        return json.loads(result.read_text())["image"] != str(image)
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):
        return True


if __name__ == "__main__":
    run(main)

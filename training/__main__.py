"""Command line: look at a folder of scenes, train a pair on it, evaluate a pair."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from core.command_line import new_command_line, parse_size, run
from core.errors import BadInputError
from training.scenes import SceneFolder, read_scenes
from training.splits import PARTS, read_split, stratified_split

# By --fusion; written out, because importing them would import torch, which a look at a folder does not need.
_ROLES = {"pair": ("baseline", "scff"), "none": ("baseline",), "scff": ("scff",)}

# Options of more than one command.
_Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder of class folders, at any depth.")]
_Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")]
_SmallStem = Annotated[
    bool, typer.Option("--small-stem", help="A ResNet's stem for small images: 3x3, stride 1, no max pooling.")
]
_Variant = Annotated[str, typer.Option(help="How SCFF fuses: add, concat, se, sk, sk_softmax, sk_scaled.")]
_DownSample = Annotated[str, typer.Option(help="How SCFF makes maps smaller: avg, max, conv2x2, conv1x1.")]
_Reduction = Annotated[int, typer.Option(help="Channels over the width of the attention's hidden layer.")]
_MinWidth = Annotated[int, typer.Option(help="Least width of that layer.")]

cli = new_command_line(__doc__)


@cli.command()
def data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of class folders, at any depth.")],
    as_json: _AsJson = False,
) -> None:
    """Says what is in a folder of scenes: classes, sizes, duplicates, unreadable files."""
    scenes = _read(folder)
    sizes = {f"{width}x{height}": count for (width, height), count in scenes.sizes.items()}
    duplicates = [[str(path.relative_to(folder)) for path in group] for group in scenes.duplicates]
    unreadable = [str(path.relative_to(folder)) for path in scenes.unreadable]
    if as_json:
        print(
            json.dumps(
                {
                    "images": len(scenes.scenes),
                    "classes": scenes.counts,
                    "sizes": sizes,
                    "unreadable": unreadable,
                    "duplicates": duplicates,
                }
            )
        )
    else:
        print(f"{len(scenes.scenes)} images of {len(scenes.classes)} classes under {scenes.root}")
        for name, count in scenes.counts.items():
            print(f"{count:8}  {name}")
        print("sizes: " + ", ".join(f"{size} ({count})" for size, count in sizes.items()))
        for group in scenes.duplicates:
            print("same picture: " + " = ".join(path.relative_to(scenes.root).as_posix() for path in group))
    stratified_split(scenes, seed=0)  # says so when a class is too small to be trained on


@cli.command()
def train(
    folder: _Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the checkpoint pair, such as checkpoints/NAME.")],
    arch: Annotated[
        str | None, typer.Option(help="timm's name of the network, such as resnet18. With --fusion-from: its own.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Named settings: siri-whu, from scratch; fine-tune, the default otherwise.")
    ] = None,
    fusion: Annotated[str, typer.Option(help="pair (both networks), none (the baseline) or scff.")] = "pair",
    epochs: Annotated[int | None, typer.Option(help="Default: the recipe's.", show_default=False)] = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="S|WxH", help="The network's input in pixels. Default: the recipe's.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate. Default: the recipe's.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order, augmentation and, without --split-dir, split.")] = 0,
    split_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Fixed split: *train*.csv, *val*.csv, *test*.csv.")
    ] = None,
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Start from timm's pre-trained weights.")] = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Start from a safetensors or .pth file, in timm's or torchvision's naming."),
    ] = None,
    fusion_from: Annotated[
        Path | None, typer.Option(metavar="PAIR_DIR", help="Add SCFF to the trained baseline of this pair.")
    ] = None,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="Train SCFF and the classifier alone.")
    ] = False,
    small_stem: _SmallStem = False,
    fusion_variant: _Variant = "sk_softmax",
    downsample: _DownSample = "avg",
    fusion_start: Annotated[
        str, typer.Option(help="neutral, or identity: the network with SCFF starts as without.")
    ] = "neutral",
    gradient_cut: Annotated[
        bool, typer.Option("--gradient-cut", help="SCFF's branches leave the gradients of earlier stages alone.")
    ] = False,
    reduction: _Reduction = 16,
    min_width: _MinWidth = 32,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    device: _Device = "auto",
) -> None:
    """Trains a baseline and the same network with SCFF, and writes them as a checkpoint pair."""
    # What takes seconds to import is not needed to look at a folder, nor for --help.
    from core.device import choose_device
    from models.scff import FusionSettings
    from training.initialisation import RANDOM, start_from_file, start_from_hub, start_from_pair
    from training.recipe import FROM_SCRATCH, TrainingSettings
    from training.trainer import check_out
    from training.trainer import train as fit

    if fusion not in _ROLES:
        raise BadInputError(f"unknown fusion {fusion!r}; known: {', '.join(_ROLES)}")
    if pretrained + (weights is not None) + (fusion_from is not None) > 1:
        raise BadInputError("--pretrained, --weights and --fusion-from are three different starts; choose one")
    size = None if image_size is None else parse_size(image_size)
    where = choose_device(device)
    if where.type == "mps":
        if device == "mps":
            raise BadInputError("training runs on cpu or cuda")
        where = choose_device("cpu")
    roles, start = _ROLES[fusion], RANDOM
    if fusion_from is not None:
        if fusion == "none":
            raise BadInputError("--fusion-from adds SCFF to a baseline; leave out --fusion none")
        start, roles = start_from_pair(fusion_from), _ROLES["scff"]
        header = start.baseline.header
        own = (header.arch, header.preprocessing.size, header.small_stem)
        if (arch or own[0], size or own[1], small_stem or own[2]) != own or split_dir is not None:
            raise BadInputError(
                f"--fusion-from takes arch, image size, stem and split from {start.baseline.pair}; "
                "leave those options out"
            )
        arch, size, small_stem = own
    elif arch is None:
        raise BadInputError("which network? add --arch, such as --arch resnet18")
    from_scratch = not pretrained and weights is None and fusion_from is None
    variant = FusionSettings(reduction, min_width, downsample, fusion_variant, gradient_cut, fusion_start)
    if fusion == "none" and variant != FusionSettings():
        raise BadInputError("--fusion none trains no network with SCFF; leave out the options that choose its variant")
    settings = TrainingSettings.of_recipe(
        recipe or ("siri-whu" if from_scratch else "fine-tune"),
        arch=arch,
        image_size=size,
        small_stem=small_stem,
        initial=FROM_SCRATCH if from_scratch else "weights yet to be read",
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        freeze_backbone=freeze_backbone,
        fusion=variant,
    )
    check_out(out, _ROLES["pair"] if start.baseline else roles)
    if pretrained:  # after what costs little to check
        _say(f"fetching the pre-trained weights of {arch}")
        start = start_from_hub(arch)
    elif weights is not None:
        start = start_from_file(arch, weights)
    settings = replace(settings, initial=start.source)
    scenes = _read(folder)
    if start.baseline is not None:
        split = start.baseline.split
    else:
        split = stratified_split(scenes, seed) if split_dir is None else read_split(split_dir, scenes)
    try:
        report = fit(scenes, split, settings, out, where, roles, resume, start, _say)
    except KeyboardInterrupt:
        _say("interrupted; the same command with --resume goes on from the last whole epoch")
        sys.exit(130)
    for role, network in report.networks.items():
        print(f"{role}: {network.test.accuracy:.1%} of {network.test.images} test images")
    print(f"written to {out}; the report and the model card are in it")
    if missing := [role for role in _ROLES["pair"] if role not in report.networks]:
        print(f"{out} is half a pair: train {missing[0]} into it with the same settings")


@cli.command()
def evaluate(
    pair_dir: Annotated[Path, typer.Argument(metavar="PAIR_DIR", help="Folder of a checkpoint pair.")],
    folder: Annotated[Path, typer.Option("--data", metavar="DIR", help="The folder of scenes it was trained on.")],
    split: Annotated[str, typer.Option(help=f"Part of the pair's own split: {', '.join(PARTS)}.")] = "test",
    explain: Annotated[
        bool, typer.Option("--explain", help="Measure the heatmaps' faithfulness too, and write it into the report.")
    ] = False,
    road: Annotated[bool, typer.Option(help="With ROAD, which takes most of that time.")] = True,
    device: _Device = "auto",
    as_json: _AsJson = False,
) -> None:
    """Measures a pair's accuracy again, on a part of the split it was trained with."""
    from core.atomic import replace_folder
    from core.device import choose_device
    from pairs.pair import load_pair
    from training.data_loading import evaluation_batches
    from training.report import read_report, write_report
    from training.split_part import check_part, part_of
    from training.trainer import evaluate_network

    check_part(split)
    if not road and not explain:
        raise BadInputError("--no-road leaves a part of --explain out; add --explain")
    where = choose_device(device)
    pair = load_pair(pair_dir)
    if explain and not os.access(pair.path.parent, os.W_OK):
        raise BadInputError(f"{pair.path.parent}: no permission to write the report of {pair.name}")
    report = read_report(pair_dir)
    scenes = _read(folder)
    part = part_of(pair, report, scenes, folder, split)
    results = {
        role: evaluate_network(getattr(pair, role).network, pair.preprocessing, part, pair.classes, where)
        for role in _ROLES["pair"]
    }
    said = {"split": split, "images": len(part)}
    said |= {role: {"accuracy": result.accuracy} for role, result in results.items()}
    if not as_json:
        for role, result in results.items():
            print(f"{role}: {result.accuracy:.1%} of {result.images} {split} images")
    if explain:
        from training.faithfulness_evaluation import MEASURES, measure_faithfulness

        batches = evaluation_batches(part, 16)
        shown = tqdm((images for images, _ in batches), "judging heatmaps", len(batches), disable=None)
        judged = measure_faithfulness(load_pair(pair_dir, where), shown, road)
        said["faithfulness"] = judged.as_json()
        with replace_folder(pair.path) as staging:
            report = read_report(staging)  # another part may have been measured meanwhile
            write_report(staging, replace(report, faithfulness={**report.faithfulness, split: judged}), pair.name)
        if not as_json:
            for name, found in judged.measures.items():
                better = found.paired
                means = (f"{role} {mean.mean:.3f}" for role, mean in found.by_role().items() if mean is not None)
                print(
                    f"{MEASURES[name].title}: {', '.join(means)}; better on images: scff {better.scff_better}, "
                    f"baseline {better.baseline_better}"
                )
            print(f"written into {pair_dir / 'report.json'} and the model card")
    if as_json:
        print(json.dumps(said))


@cli.command()
def profile(
    arch: Annotated[str | None, typer.Option(help="timm's name of the network, such as resnet50.")] = None,
    image_size: Annotated[str, typer.Option(metavar="S|WxH", help="The network's input in pixels.")] = "200",
    every: Annotated[bool, typer.Option("--all", help="All networks that are tested here, as a table.")] = False,
    classes: Annotated[int, typer.Option(help="Of the classifier.")] = 12,
    small_stem: _SmallStem = False,
    fusion_variant: _Variant = "sk_softmax",
    downsample: _DownSample = "avg",
    reduction: _Reduction = 16,
    min_width: _MinWidth = 32,
    as_json: _AsJson = False,
) -> None:
    """Counts parameters, and multiply-accumulates of one image, of a network without and with SCFF."""
    from models.cost import profile as count
    from models.network import NETWORKS
    from models.scff import FusionSettings
    from training.cost_table import as_json_object, as_row, as_text, heading

    if every == (arch is not None):
        raise BadInputError("name one network with --arch, or take --all")
    if classes < 1:
        raise BadInputError(f"classes must be at least 1, got {classes}")
    size, fusion = parse_size(image_size), FusionSettings(reduction, min_width, downsample, fusion_variant)
    if not every:
        cost = count(arch, size, classes, fusion, small_stem)
        print(json.dumps(as_json_object(arch, size, classes, cost)) if as_json else as_text(arch, size, cost))
        return
    if not as_json:
        print(heading())
    for name in NETWORKS:
        try:
            cost = count(name, size, classes, fusion, small_stem)
        except BadInputError as error:
            _say(f"left out: {error}")
            continue
        print(json.dumps(as_json_object(name, size, classes, cost)) if as_json else as_row(name, cost), flush=True)


def _read(folder: Path) -> SceneFolder:
    """The folder's scenes, with a progress bar; unreadable files are named."""
    scenes = read_scenes(folder, lambda results: tqdm(results, desc="reading", leave=False, disable=None))
    for reason in scenes.unreadable.values():
        _say(f"left out: {reason}")
    if scenes.unreadable:
        _say(f"{len(scenes.unreadable)} file(s) cannot be read and are left out")
    return scenes


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    run(cli)

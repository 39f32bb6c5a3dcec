"""`python -m training train`: from a folder of scenes to a model pair."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.command_line import parse_size
from core.errors import BadInputError
from models.fusion_settings import STARTS, FusionSettings
from pairs.layout import ROLES
from training.commands.console import notify, read_with_progress
from training.commands.options import (
    DataFolder,
    Device,
    DownSampleName,
    FusionName,
    MinWidth,
    Reduction,
    SmallStem,
)
from training.recipes import RECIPES, default_recipe
from training.splits import read_split, stratified_split

if TYPE_CHECKING:
    import torch

    from training.initialisation import TrainedBaseline

__all__ = ["train"]

_ROLES_OF = {"pair": ROLES, "none": ROLES[:1], "scff": ROLES[1:]}
"""The networks to train, keyed by `--fusion`."""
_DEFAULTS = FusionSettings()
_RECIPE_NAMES = ", ".join(f"{name} ({recipe.purpose})" for name, recipe in RECIPES.items())


def train(
    folder: DataFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the model pair, e.g. checkpoints/NAME.")],
    arch: Annotated[
        str | None, typer.Option(help="timm's name of the network, e.g. resnet18. Taken from --fusion-from if given.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help=f"Recipe: {_RECIPE_NAMES}. Default: the one that suits the initial weights.")
    ] = None,
    fusion: Annotated[str, typer.Option(help="What to train: pair (both), none (the baseline) or scff.")] = "pair",
    epochs: Annotated[
        int | None, typer.Option(help="Number of epochs. Default: the recipe's.", show_default=False)
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="S|WxH", help="The network's input in pixels. Default: the recipe's.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Batch size. Default: the recipe's.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate. Default: the recipe's.")] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of weights, shuffling, augmentation and, without --split-dir, of the split.")
    ] = 0,
    split_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of a fixed split: *train*.csv, *val*.csv, *test*.csv.")
    ] = None,
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Start from timm's pre-trained weights.")] = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Start from a safetensors or .pth file with timm's or torchvision's names."),
    ] = None,
    fusion_from: Annotated[
        Path | None, typer.Option(metavar="PAIR_DIR", help="Add SCFF to the trained baseline of this pair.")
    ] = None,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="Train only SCFF and the classifier.")
    ] = False,
    small_stem: SmallStem = False,
    fusion_variant: FusionName = _DEFAULTS.fusion,
    downsample: DownSampleName = _DEFAULTS.downsample,
    fusion_start: Annotated[
        str, typer.Option(help=f"SCFF's initial weights: {', '.join(STARTS)} (identity starts as the baseline).")
    ] = _DEFAULTS.start,
    gradient_cut: Annotated[
        bool, typer.Option("--gradient-cut", help="Detach SCFF's inputs from all stages but the last.")
    ] = False,
    reduction: Reduction = _DEFAULTS.reduction,
    min_width: MinWidth = _DEFAULTS.min_width,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    device: Device = "auto",
) -> None:
    """Trains a model pair.

    A baseline and the same network with SCFF, trained alike, with a report and a model card.
    """
    if fusion not in _ROLES_OF:
        raise BadInputError(f"unknown fusion {fusion!r}; known: {', '.join(_ROLES_OF)}")
    if pretrained + (weights is not None) + (fusion_from is not None) > 1:
        raise BadInputError("--pretrained, --weights and --fusion-from exclude each other; choose one")
    if fusion_from is not None and fusion == "none":
        raise BadInputError("--fusion-from adds SCFF to a baseline; leave out --fusion none")
    if fusion_from is None and arch is None:
        raise BadInputError("no network given; add --arch, e.g. --arch resnet18")
    size = None if image_size is None else parse_size(image_size)
    from training.initialisation import Initialisation
    from training.output_folder import check_output_folder
    from training.pair_training import train_pair
    from training.run import TrainingRun
    from training.settings import FROM_SCRATCH, TrainingSettings

    where = _training_device(device)
    roles, initialisation = _ROLES_OF[fusion], Initialisation()
    if fusion_from is not None:
        roles, initialisation = _ROLES_OF["scff"], Initialisation.from_pair(fusion_from)
        assert initialisation.baseline is not None
        own = _settings_of(initialisation.baseline)
        if (arch or own[0], size or own[1], small_stem or own[2]) != own or split_dir is not None:
            raise BadInputError(
                f"--fusion-from takes arch, image size, stem and split from {initialisation.baseline.pair}; "
                "leave those options out"
            )
        arch, size, small_stem = own
    assert arch is not None
    from_scratch = not pretrained and weights is None and fusion_from is None
    variant = FusionSettings(
        reduction=reduction,
        min_width=min_width,
        downsample=downsample,
        fusion=fusion_variant,
        gradient_cut=gradient_cut,
        start=fusion_start,
    )
    if fusion == "none" and variant != FusionSettings():
        raise BadInputError("--fusion none trains no network with SCFF; leave out the options of its variant")
    settings = TrainingSettings.from_recipe(
        recipe or default_recipe(from_scratch),
        arch=arch,
        image_size=size,
        small_stem=small_stem,
        initial=FROM_SCRATCH if from_scratch else "weights that are not loaded yet",
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        freeze_backbone=freeze_backbone,
        fusion=variant,
    )
    check_output_folder(out, roles if initialisation.baseline is None else ROLES)
    if pretrained:  # after all cheap checks
        notify(f"downloading the pre-trained weights of {arch}")
        initialisation = Initialisation.pretrained(arch)
    elif weights is not None:
        initialisation = Initialisation.from_file(arch, weights)
    scenes = read_with_progress(folder)
    if initialisation.baseline is not None:
        split = initialisation.baseline.split
    else:
        split = stratified_split(scenes, seed) if split_dir is None else read_split(split_dir, scenes)
    run = TrainingRun(
        scenes=scenes,
        split=split,
        settings=replace(settings, initial=initialisation.source),
        out=out,
        device=where,
        roles=roles,
        initialisation=initialisation,
    )
    try:
        report = train_pair(run, resume, notify)
    except KeyboardInterrupt:
        notify("interrupted; the same command with --resume continues after the last complete epoch")
        sys.exit(130)
    for role, network in report.networks.items():
        print(f"{role}: {network.test.accuracy:.1%} of {network.test.images} test images")
    print(f"written to {out}, with a report and a model card")
    if missing := [role for role in ROLES if role not in report.networks]:
        print(f"{out} is an incomplete model pair: train {missing[0]} into the same folder with the same settings")


def _training_device(name: str) -> "torch.device":
    """CPU or CUDA: Lightning's mixed precision and the seeds are tested on these.

    Raises:
        BadInputError: the device is unknown, unavailable, or MPS.
    """
    from core.device import choose_device

    device = choose_device(name)
    if device.type == "mps":
        if name == "mps":
            raise BadInputError("training runs on cpu or cuda")
        return choose_device("cpu")
    return device


def _settings_of(baseline: "TrainedBaseline") -> tuple[str, tuple[int, int], bool]:
    """Architecture, image size and stem, which both networks of a pair share."""
    header = baseline.header
    return header.arch, header.preprocessing.size, header.small_stem

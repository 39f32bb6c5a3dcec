"""Trains a baseline, its SCFF partner, or both, and writes the checkpoint pair."""

import json
import logging
import platform
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import lightning
import safetensors
import timm
import torch
import torchvision
from lightning.pytorch.callbacks import ModelCheckpoint

from core.atomic import replace_folder, write_file
from core.errors import BadInputError
from models.initial_weights import InitialWeights, Match, take_weights
from models.network import Network
from models.preprocessing import Preprocessing
from models.scff import FusionSettings
from models.state import at_stored_precision, non_finite
from pairs.checkpoint import ROLES, Header, save_network, weights_file
from training.classifier import Classifier, DivergedError
from training.data_loading import SceneDataset, channel_statistics, evaluation_batches, training_batches
from training.initialisation import RANDOM, Start, TrainedBaseline
from training.progress_bar import TrainingProgress
from training.recipe import TrainingSettings
from training.report import NetworkReport, PartResult, Report, read_report, write_report
from training.scenes import SceneFolder
from training.splits import Split

__all__ = ["check_out", "evaluate_network", "train"]

_SETTINGS = "settings.json"
_TEST_BATCH = 32

# Lightning's notes on devices, workers and missing loggers tell the user nothing that is to be done.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


def train(
    folder: SceneFolder,
    split: Split,
    settings: TrainingSettings,
    out: Path,
    device: torch.device,
    roles: Sequence[str] = ROLES,
    resume: bool = False,
    start: Start = RANDOM,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Trains networks of one architecture alike and writes them, with a report, into a folder.

    Until all is done, the state of the run is kept beside that folder, so that it can be resumed.

    Args:
        folder: the scenes.
        split: which of them are for training, validation and test.
        settings: the same for every network.
        out: the pair's folder; a network it already holds must come from the same settings, scenes and split.
        device: where to train.
        roles: which of baseline and scff.
        resume: go on with an interrupted run of the same settings, if there is one.
        start: where the weights start; with a trained baseline, which is taken into the pair, roles must be scff alone.
        say: takes what the user should know: of the scenes, the split, and what initial weights did not fit.

    Raises:
        BadInputError: the folder already holds such a network, an interrupted run is in the way, or the initial
            weights fit nowhere; or training has diverged, and what was done before is written nevertheless.
    """
    if start.baseline is None:
        former = _former_networks(out, settings, folder, split, roles)
    else:
        _check_baseline(start.baseline, folder)
        former = {"baseline": start.baseline.report}
    sets = {part: SceneDataset(split.select(part, folder.scenes), settings.image_size) for part in split.parts}
    if len(sets["train"]) < 2:
        raise BadInputError("the training part has one image; batch normalisation needs two at least")
    state = _state_folder(out)
    fresh = not state.exists()
    if fresh and resume:
        say(f"there is no interrupted run of {out.name} to go on with; a new one starts")
    _claim_state(state, out.name, settings, folder, split, resume)
    try:
        statistics = start.statistics or channel_statistics(sets["train"])
        preprocessing = Preprocessing(settings.image_size, statistics.mean, statistics.std)
        runs = {role: _Run(role, settings, preprocessing, folder.classes, device, state / role) for role in roles}
        matches = {} if start.weights is None else {role: run.take(start.weights) for role, run in runs.items()}
    except BadInputError:
        if fresh:
            shutil.rmtree(state)
        raise
    for note in _notes(folder, split):
        say(note)
    for role, match in matches.items():
        say(f"{role}, {settings.initial}: {match}")
    if any(match.doubtful for match in matches.values()):
        say(f"warning: {settings.initial} does not fit {settings.arch} throughout; it may be another network's")
    diverged = None
    try:
        for run in runs.values():
            run.fit(sets["train"], sets["val"])
    except DivergedError as error:  # it would again
        diverged = error
        runs = {role: run for role, run in runs.items() if run.done}
        if not runs:
            shutil.rmtree(state)
            raise
    networks = former | {role: run.report(sets["test"], folder.classes) for role, run in runs.items()}
    report = _report(folder, split, preprocessing, networks)
    with replace_folder(out) as staging:
        if start.baseline is not None:
            write_file(staging / weights_file("baseline"), start.baseline.file)
        for role, run in runs.items():
            header = _header(role, folder, split, settings, preprocessing, networks[role])
            save_network(staging / weights_file(role), run.network, header)
        write_report(staging, report, out.name)
    shutil.rmtree(state)
    if diverged is not None:
        raise DivergedError(f"{diverged}; {out} holds {' and '.join(runs)}, which was done before")
    return report


def check_out(out: Path, roles: Sequence[str]) -> None:
    """Refuses a folder that cannot take networks of these roles, before any work is done.

    Raises:
        BadInputError: it is a file, holds such a network, or holds other things than a pair's.
    """
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file; name a folder for the pair")
    if not _has_network(out) and any(not path.name.startswith(".") for path in out.glob("*")):
        raise BadInputError(f"{out} is not empty, and holds no pair; choose another --out")
    if taken := [role for role in roles if (out / weights_file(role)).exists()]:
        raise BadInputError(f"{out} already holds {' and '.join(taken)}; choose another --out, or delete it first")


def evaluate_network(
    network: Network,
    preprocessing: Preprocessing,
    scenes: SceneDataset,
    classes: tuple[str, ...],
    device: torch.device,
) -> PartResult:
    """How a trained network does on scenes of its input size, in float32 as it is shown."""
    classifier = Classifier(network, preprocessing, len(classes))
    trainer = lightning.Trainer(**_trainer_options(device), precision="32-true")
    trainer.test(classifier, evaluation_batches(scenes, _TEST_BATCH), verbose=False)
    return PartResult.from_confusion(classifier.confusion.compute().tolist(), classes)


class _Run:
    """One network's training."""

    def __init__(
        self,
        role: str,
        settings: TrainingSettings,
        preprocessing: Preprocessing,
        classes: tuple[str, ...],
        device: torch.device,
        state: Path,
    ) -> None:
        lightning.seed_everything(settings.seed, verbose=False)
        self.network = Network(settings.arch, len(classes), _fusion(role, settings), settings.small_stem)
        self.classifier = Classifier(self.network, preprocessing, len(classes), settings)
        self.role = role
        self.settings = settings
        self.state = state
        self.device = device
        self.done = False
        self.progress = TrainingProgress(role)
        self.best = ModelCheckpoint(state, "best", monitor="val_accuracy", mode="max")
        last = ModelCheckpoint(state, "last", enable_version_counter=False)  # after every epoch, to resume from
        self.trainer = lightning.Trainer(
            **_trainer_options(device),
            precision=_precision(device),
            max_epochs=settings.epochs,
            callbacks=[self.best, self.progress, last],
            num_sanity_val_steps=0,
        )

    def take(self, weights: InitialWeights) -> Match:
        """Starts from weights that were trained before.

        Raises:
            BadInputError: they do not fit, or leave a part of a frozen backbone untrained.
        """
        match = take_weights(self.network.backbone, weights)
        if self.settings.freeze_backbone and match.untrained:
            raise BadInputError(
                f"{len(match.untrained)} tensor(s) of the backbone would be frozen untrained, the first is "
                f"{match.untrained[0]}; leave out --freeze-backbone"
            )
        return match

    def fit(self, train: SceneDataset, val: SceneDataset) -> None:
        """Trains from the start, or from where an interrupted run of this state was.

        Raises:
            KeyboardInterrupt: the user stopped it; the last whole epoch is kept.
            DivergedError: its numbers are no longer finite.
        """
        last = self.state / "last.ckpt"
        lightning.seed_everything(self.settings.seed, verbose=False)
        try:
            self.trainer.fit(
                self.classifier,
                training_batches(train, self.settings),
                evaluation_batches(val, self.settings.batch_size),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
            self._take_best()
        except SystemExit:  # Lightning's answer to an interrupt
            raise KeyboardInterrupt from None
        except DivergedError as error:
            raise DivergedError(f"{self.role}: {error}") from None
        self.done = True

    def _take_best(self) -> None:
        """Puts the best epoch's weights, as they will be stored, into the network."""
        best = torch.load(self.best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
        prefix = "network."
        weights = {name.removeprefix(prefix): value for name, value in best.items() if name.startswith(prefix)}
        stored = at_stored_precision(weights)
        if wild := non_finite(stored):
            raise DivergedError(f"{wild[0]} has ended with numbers too large to be stored (above 65,504)")
        self.network.load_state_dict(stored)

    def report(self, test: SceneDataset, classes: tuple[str, ...]) -> NetworkReport:
        """Tests the best epoch's weights, once."""
        curves = self.classifier.curves
        best_result = max(curves, key=lambda result: (result.val_accuracy, -result.epoch))
        return NetworkReport(
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            best_epoch=best_result.epoch,
            val_accuracy=best_result.val_accuracy,
            test=evaluate_network(self.network, self.classifier.preprocessing, test, classes, self.device),
            curves=curves,
            seconds=round(self.progress.seconds, 1),
            settings=self.settings.as_json(with_fusion=self.network.scff is not None),
            precision=self.trainer.precision,
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            versions={
                "python": platform.python_version(),
                **{m.__name__: m.__version__ for m in (torch, torchvision, timm, lightning, safetensors)},
            },
        )


def _notes(folder: SceneFolder, split: Split) -> list[str]:
    """What the user should know of scenes and split, in words."""
    notes = []
    if split.missing:
        notes.append(f"{len(split.missing)} scene(s) of the split are not in the folder: {', '.join(split.missing)}")
    for names in split.shared(folder.scenes):
        notes.append(f"the same picture lies in different parts of the split: {' = '.join(names)}")
    nominal = next(iter(folder.sizes))
    if others := len(folder.scenes) - folder.sizes[nominal]:
        notes.append(
            f"{others} image(s) are not {nominal[0]} x {nominal[1]} pixels as the others; all are resized alike"
        )
    return [*notes, f"{split.source}: " + ", ".join(f"{len(names)} {part}" for part, names in split.parts.items())]


def _fusion(role: str, settings: TrainingSettings) -> FusionSettings | None:
    return settings.fusion if role == "scff" else None


def _check_baseline(baseline: TrainedBaseline, folder: SceneFolder) -> None:
    """Refuses scenes other than those that the baseline was trained on: its test images may be among them."""
    if baseline.header.data_fingerprint != folder.fingerprint or baseline.header.classes != folder.classes:
        raise BadInputError(
            f"{folder.root} does not hold the scenes that {baseline.pair} was trained on "
            f"({baseline.header.dataset}); SCFF is added with the same scenes and the same split"
        )


def _state_folder(out: Path) -> Path:
    """Where an unfinished run is kept."""
    return out.with_name(f".{out.name}.training")


def _claim_state(
    state: Path, name: str, settings: TrainingSettings, folder: SceneFolder, split: Split, resume: bool
) -> None:
    """Makes the folder that keeps an unfinished run or, to resume, checks it."""
    kept = {**settings.as_json(with_fusion=True), "data": folder.fingerprint, "split": split.fingerprint}
    claim, file = json.dumps(kept), state / _SETTINGS
    if not state.exists():
        state.mkdir(parents=True)
        file.write_text(claim)
    elif not resume:
        raise BadInputError(f"an interrupted run of {name} is kept in {state}: add --resume, or delete that folder")
    elif not file.is_file() or file.read_text() != claim:
        raise BadInputError(
            f"the interrupted run in {state} has other settings, scenes or split; resume it with its own, or delete it"
        )


def _former_networks(
    out: Path, settings: TrainingSettings, folder: SceneFolder, split: Split, roles: Sequence[str]
) -> dict[str, NetworkReport]:
    """The networks that the folder already holds, when the new ones will be their partners."""
    check_out(out, roles)
    if not _has_network(out):
        return {}
    former = read_report(out)
    # SCFF's own settings, which the baseline has no part in, may be others.
    alike = all(
        {**network.settings, "fusion": None} == settings.as_json(with_fusion=False)
        for network in former.networks.values()
    )
    same_data = (former.split_fingerprint, former.data_fingerprint) == (split.fingerprint, folder.fingerprint)
    if not alike or not same_data:
        raise BadInputError(f"{out} holds a network of other settings, scenes or split, no partner for this one")
    return former.networks


def _has_network(out: Path) -> bool:
    return any((out / weights_file(role)).exists() for role in ROLES)


def _trainer_options(device: torch.device) -> dict:
    return {
        "accelerator": "gpu" if device.type == "cuda" else "cpu",
        "devices": 1,
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }


def _precision(device: torch.device) -> str:
    """Mixed bfloat16 where the hardware computes in it, twice as fast; else float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        fast = capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
    return "bf16-mixed" if fast else "32-true"


def _report(
    folder: SceneFolder, split: Split, preprocessing: Preprocessing, networks: dict[str, NetworkReport]
) -> Report:
    return Report(
        dataset=folder.name,
        classes=list(folder.classes),
        images=folder.counts,
        sizes={f"{width}x{height}": count for (width, height), count in folder.sizes.items()},
        unreadable=[path.relative_to(folder.root).as_posix() for path in folder.unreadable],
        duplicates=sum(len(group) - 1 for group in folder.duplicates),
        data_fingerprint=folder.fingerprint,
        split_source=split.source,
        split_fingerprint=split.fingerprint,
        split={part: list(names) for part, names in split.parts.items()},
        split_missing=list(split.missing),
        split_shared=split.shared(folder.scenes),
        mean=list(preprocessing.mean),
        std=list(preprocessing.std),
        networks=networks,
    )


def _header(
    role: str,
    folder: SceneFolder,
    split: Split,
    settings: TrainingSettings,
    preprocessing: Preprocessing,
    network: NetworkReport,
) -> Header:
    return Header(
        arch=settings.arch,
        fusion=_fusion(role, settings),
        classes=folder.classes,
        preprocessing=preprocessing,
        recipe=settings.recipe,
        seed=settings.seed,
        epochs=settings.epochs,
        dataset=folder.name,
        data_fingerprint=folder.fingerprint,
        split_fingerprint=split.fingerprint,
        test_accuracy=network.test.accuracy,
        small_stem=settings.small_stem,
        initial=settings.initial,
    )

"""Trains a baseline, its SCFF counterpart, or both, and writes the model pair."""

from collections.abc import Callable, Iterator

from core.errors import BadInputError
from models.preprocessing import Preprocessing
from pairs.report import NetworkReport, Report
from training.data_loading import SceneDataset, channel_statistics
from training.initialisation import TrainedBaseline
from training.lightning_module import DivergedError
from training.network_training import NetworkTraining
from training.output_folder import existing_networks, write_pair
from training.run import TrainingRun
from training.run_state import RunState
from training.scenes import SceneFolder
from training.splits import Split

__all__ = ["train_pair"]


def train_pair(run: TrainingRun, resume: bool = False, notify: Callable[[str], None] = lambda _: None) -> Report:
    """Trains the networks of a run under the same conditions and writes them, with a report, into its folder.

    Until all are trained, the run's checkpoints are kept beside that folder, so that it can be resumed.

    Args:
        run: the run; a network that its folder already holds must have the same settings, scenes and split.
        resume: continue an interrupted run of the same settings, if there is one.
        notify: receives notes on the scenes, the split, and initial weights that did not fit.

    Raises:
        BadInputError: the folder already holds such a network, an interrupted run is in the way, or no initial weight
            fits.
        DivergedError: training has diverged; a network that was finished before is written nevertheless.
    """
    partners = _partners(run)
    datasets = {
        subset: SceneDataset(run.split.select(subset, run.scenes.scenes), run.settings.image_size)
        for subset in run.split.subsets
    }
    if len(datasets["train"]) < 2:
        raise BadInputError("the training set has one image; batch normalisation needs at least two")
    state = RunState.open(run, resume)
    if state.is_new and resume:
        notify(f"there is no interrupted run of {run.out.name} to resume; starting a new one")
    try:
        statistics = run.initialisation.statistics or channel_statistics(datasets["train"])
        preprocessing = Preprocessing(run.settings.image_size, statistics.mean, statistics.std)
        trainings = {
            role: NetworkTraining(role, run, preprocessing, checkpoints=state.checkpoints(role)) for role in run.roles
        }
        notes = [*_data_notes(run.scenes, run.split), *_load_initial_weights(run, trainings)]
    except BadInputError:
        if state.is_new:
            state.delete()
        raise
    for note in notes:
        notify(note)
    diverged = None
    try:
        for training in trainings.values():
            training.fit(datasets["train"], datasets["val"])
    except DivergedError as error:  # resuming would diverge again
        diverged = error
    finished = {role: training for role, training in trainings.items() if training.finished}
    if diverged is not None and not finished:
        state.delete()
        raise diverged
    reports = partners | {role: training.report(datasets["test"]) for role, training in finished.items()}
    networks = {role: training.network for role, training in finished.items()}
    report = write_pair(run, preprocessing, networks, reports)
    state.delete()
    if diverged is not None:
        raise DivergedError(f"{diverged}; {run.out} holds {' and '.join(finished)}, which was finished before")
    return report


def _partners(run: TrainingRun) -> dict[str, NetworkReport]:
    """Reports of the networks that the run's networks are paired with."""
    baseline = run.initialisation.baseline
    if baseline is None:
        return existing_networks(run)
    _check_same_scenes(baseline, run.scenes)
    return {"baseline": baseline.report}


def _check_same_scenes(baseline: TrainedBaseline, folder: SceneFolder) -> None:
    """Rejects scenes other than those the baseline was trained on: they may include its training images as test images.

    Raises:
        BadInputError: pixels, names or classes differ.
    """
    if baseline.header.data_fingerprint != folder.fingerprint or baseline.header.classes != folder.classes:
        raise BadInputError(
            f"{folder.root} does not hold the scenes that {baseline.pair} was trained on "
            f"({baseline.header.dataset}); SCFF is added with the same scenes and the same split"
        )


def _data_notes(folder: SceneFolder, split: Split) -> Iterator[str]:
    """Notes on missing scenes, duplicates, image sizes and the split."""
    if split.missing:
        yield f"{len(split.missing)} scene(s) of the split are not in the folder: {', '.join(split.missing)}"
    for names in split.leaked_duplicates(folder.scenes):
        yield f"duplicate images in different subsets of the split: {' = '.join(names)}"
    nominal = next(iter(folder.sizes))
    if others := len(folder.scenes) - folder.sizes[nominal]:
        yield f"{others} image(s) are not {nominal[0]} x {nominal[1]} pixels; all are resized to the same input size"
    yield f"{split.source}: " + ", ".join(f"{len(names)} {subset}" for subset, names in split.subsets.items())


def _load_initial_weights(run: TrainingRun, trainings: dict[str, NetworkTraining]) -> Iterator[str]:
    """Loads the run's initial weights into every network; notes which tensors were loaded.

    Raises:
        BadInputError: they do not fit.
    """
    weights, settings = run.initialisation.weights, run.settings
    if weights is None:
        return
    matches = {role: training.load_initial_weights(weights) for role, training in trainings.items()}
    for role, match in matches.items():
        yield f"{role}, {settings.initial}: {match}"
    if any(match.doubtful for match in matches.values()):
        yield f"warning: {settings.initial} only partly fits {settings.arch}; it may belong to another architecture"

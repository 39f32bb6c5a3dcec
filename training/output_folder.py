"""The folder that a run writes its pair to: what it may already hold, and how weights and report are written."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.atomic import replace_folder, write_file
from core.errors import BadInputError
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.checkpoint import Header, save_network
from pairs.layout import ROLES, weights_file
from pairs.report import NetworkReport, Report, RunSettings
from pairs.report_reading import read_report
from training.report import write_report
from training.run import TrainingRun

__all__ = ["check_output_folder", "existing_networks", "write_pair"]


def check_output_folder(out: Path, roles: Sequence[str]) -> None:
    """Checks, before any work is done, that networks of these roles can be written into a folder.

    Raises:
        BadInputError: it is a file, already holds such a network, or is not empty and holds no pair.
    """
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file; give a folder for the pair")
    if not _has_network(out) and any(not path.name.startswith(".") for path in out.glob("*")):
        raise BadInputError(f"{out} is not empty, and holds no pair; choose another --out")
    if existing := [role for role in roles if (out / weights_file(role)).exists()]:
        raise BadInputError(f"{out} already holds {' and '.join(existing)}; choose another --out, or delete it first")


def existing_networks(run: TrainingRun) -> dict[str, NetworkReport]:
    """Reports of the networks that the folder already holds, if the run's networks complete a pair with them.

    Raises:
        BadInputError: they were trained with other settings, scenes or split, or the folder cannot be written to.
    """
    check_output_folder(run.out, run.roles)
    if not _has_network(run.out):
        return {}
    report = read_report(run.out)
    # SCFF's own settings do not concern the baseline and may differ.
    own = RunSettings(**run.settings.as_json("baseline"))
    same_settings = all(
        network.settings.model_copy(update={"fusion": None}) == own for network in report.networks.values()
    )
    fingerprints = (run.split.fingerprint, run.scenes.fingerprint)
    if not same_settings or (report.split_fingerprint, report.data_fingerprint) != fingerprints:
        raise BadInputError(
            f"{run.out} holds a network trained with other settings, scenes or split; the two would not make a pair"
        )
    return report.networks


def write_pair(
    run: TrainingRun,
    preprocessing: Preprocessing,
    trained: Mapping[str, Network],
    reports: dict[str, NetworkReport],
) -> Report:
    """Writes weights, report and model card into the run's folder, atomically.

    Args:
        run: the run.
        preprocessing: of its networks.
        trained: the run's networks, keyed by role.
        reports: of all networks of the pair, keyed by role.
    """
    report = _report(run, preprocessing, reports)
    with replace_folder(run.out) as staging:
        if run.initialisation.baseline is not None:
            write_file(staging / weights_file("baseline"), run.initialisation.baseline.file)
        for role, network in trained.items():
            header = _header(run, role, preprocessing, reports[role])
            save_network(staging / weights_file(role), network, header)
        write_report(staging, report, run.out.name)
    return report


def _has_network(out: Path) -> bool:
    return any((out / weights_file(role)).exists() for role in ROLES)


def _report(run: TrainingRun, preprocessing: Preprocessing, networks: dict[str, NetworkReport]) -> Report:
    folder, split = run.scenes, run.split
    return Report(
        dataset=folder.name,
        classes=folder.classes,
        images=folder.counts,
        sizes={f"{width}x{height}": count for (width, height), count in folder.sizes.items()},
        unreadable=tuple(path.relative_to(folder.root).as_posix() for path in folder.unreadable),
        duplicates=sum(len(group) - 1 for group in folder.duplicates),
        data_fingerprint=folder.fingerprint,
        split_source=split.source,
        split_fingerprint=split.fingerprint,
        split=dict(split.subsets),
        split_missing=split.missing,
        split_shared=tuple(map(tuple, split.leaked_duplicates(folder.scenes))),
        mean=preprocessing.mean,
        std=preprocessing.std,
        networks=networks,
    )


def _header(run: TrainingRun, role: str, preprocessing: Preprocessing, report: NetworkReport) -> Header:
    settings = run.settings
    return Header(
        arch=settings.arch,
        fusion=settings.fusion_of(role),
        classes=run.scenes.classes,
        preprocessing=preprocessing,
        recipe=settings.recipe,
        seed=settings.seed,
        epochs=settings.epochs,
        dataset=run.scenes.name,
        data_fingerprint=run.scenes.fingerprint,
        split_fingerprint=run.split.fingerprint,
        test_accuracy=report.test.accuracy or 0.0,
        small_stem=settings.small_stem,
        initial=settings.initial,
    )

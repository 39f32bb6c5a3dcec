"""Reading a pair's report: strictly, as training needs it, or leniently, as far as it is valid.

Reports of earlier versions, damaged or edited ones keep every field that is valid, and the others are None and named.
Both are the same reading of the same schema (pairs.report).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from pairs.layout import REPORT, ROLES, SUBSETS
from pairs.report import NULLABLE, OPTIONAL, VERSION, NetworkReport, Report, Section

__all__ = ["PartialReport", "read_partial_report", "read_report"]

_FieldPath = tuple[str, ...]
"""Path of a field, such as ("networks", "scff", "seconds")."""


@dataclass(frozen=True)
class PartialReport:
    """A report as far as it is valid."""

    report: Report
    """The report, with an entry for both networks."""
    error: str | None = None
    """Reason why nothing could be read; None if something could."""
    missing: tuple[_FieldPath, ...] = ()
    """Fields that the report lacks."""
    invalid: tuple[_FieldPath, ...] = ()
    """Fields whose values are of the wrong type or out of range."""

    def is_valid(self, *path: str) -> bool:
        """Whether a field that the report has is valid and complete."""
        return not any(each[: len(path)] == path for each in self.missing + self.invalid)

    def invalid_keys(self, *path: str) -> tuple[str, ...]:
        """Keys of a mapping in the report whose values are invalid as a whole."""
        return tuple(each[-1] for each in self.invalid if each[:-1] == path)


def read_report(folder: Path) -> Report:
    """Reads a complete report, of a pair or of an incomplete pair.

    Raises:
        BadInputError: it is missing, damaged, incomplete, or of a later version.
    """
    where = f"{folder.name}/{REPORT}"
    try:
        values = _load(folder)
    except BadInputError as error:
        raise BadInputError(f"{folder.name}/{error}") from None
    version = values.get("version", 1)
    if version not in (1, VERSION):
        raise BadInputError(f"{where} cannot be read: its version is {version}, this program reads 1 and {VERSION}")
    found = _read(values, None)
    missing = found.missing if found.report.networks else (*found.missing, ("networks",))
    for kind, paths in (("missing", missing), ("invalid", found.invalid)):
        if paths:
            names = ", ".join(map(".".join, paths[:3]))
            more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
            raise BadInputError(f"{where} cannot be read: {kind}: {names}{more}")
    return found.report


def read_partial_report(folder: Path, classes: Sequence[str]) -> PartialReport:
    """Reads whatever is valid in a pair's report.

    Args:
        folder: of the pair.
        classes: the pair's, in the order of the logits.
    """
    try:
        found = _read(_load(folder), classes)
    except BadInputError as error:
        found = PartialReport(Report(), str(error))
    of_roles = found.report.networks
    report = found.report.model_copy(update={"networks": {r: of_roles.get(r, NetworkReport()) for r in ROLES}})
    lacking = () if found.error else tuple(("networks", role) for role in ROLES if role not in of_roles)
    return replace(found, report=report, missing=found.missing + _unnamed(lacking, found))


def _load(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{REPORT} is missing") from None
    except (OSError, ValueError, RecursionError):
        raise BadInputError(f"{REPORT} cannot be read") from None
    if not isinstance(values, dict):
        raise BadInputError(f"{REPORT} is not a report")
    return values


def _read(values: dict[str, Any], classes: Sequence[str] | None) -> PartialReport:
    """Reads field by field; the classes are the report's own where they are not given."""
    values = _migrated(values)
    own = values.get("classes")
    known = own if classes is None and isinstance(own, list) else classes or ()
    report = Report.model_validate(values, context={"classes": len(known)})
    problems = list(_problems(report, values))
    missing, invalid = (tuple(path for path, kind in problems if kind == each) for each in ("missing", "invalid"))
    found = PartialReport(report, missing=missing, invalid=invalid)
    subsets = tuple(("split", subset) for subset in SUBSETS if subset not in report.split)
    return replace(found, missing=missing + _unnamed(subsets, found))


def _unnamed(entries: tuple[_FieldPath, ...], found: PartialReport) -> tuple[_FieldPath, ...]:
    """The entries that are not yet named as missing or invalid, neither themselves nor as a whole."""
    known = {*found.missing, *found.invalid}
    return tuple(path for path in entries if not {path, path[:1]} & known)


def _migrated(values: dict[str, Any]) -> dict[str, Any]:
    """A report of any version in the form of this one.

    Version 1 had no version and called a metric a measure; its first form had the settings once for both networks.
    """
    if "version" in values:
        return values
    once = ("settings", "precision", "device", "versions")
    common = {name: values[name] for name in once if name in values}
    migrated = {"version": VERSION} | {name: value for name, value in values.items() if name not in once}
    if common:
        networks = values.get("networks")
        networks = networks if isinstance(networks, dict) else {role: {} for role in ROLES}
        migrated["networks"] = {
            role: {**_settings_of_role(common, role), **network} if isinstance(network, dict) else network
            for role, network in networks.items()
        }
    if isinstance(subsets := values.get("faithfulness"), dict):
        migrated["faithfulness"] = {subset: _with_metrics(found) for subset, found in subsets.items()}
    return migrated


def _settings_of_role(common: dict[str, Any], role: str) -> dict[str, Any]:
    """The settings of one network, from those given once for both, with the former fixed choices added."""
    settings = common.get("settings")
    if not isinstance(settings, dict):
        return common
    fusion = asdict(FusionSettings()) if role == "scff" else None
    constant = {"fusion": fusion, "small_stem": False, "initial": "random", "freeze_backbone": False}
    side = {"image_size": [settings["image_size"]] * 2} if "image_size" in settings else {}
    return {**common, "settings": constant | settings | side}


def _with_metrics(section: Any) -> Any:
    if not isinstance(section, dict) or "measures" not in section:
        return section
    return {("metrics" if name == "measures" else name): value for name, value in section.items()}


def _problems(
    found: Any, given: Any, path: _FieldPath = ()
) -> Iterator[tuple[_FieldPath, Literal["missing", "invalid"]]]:
    """Compares what was read with what was given: the path of each field that is missing or invalid."""
    if isinstance(found, Section | dict) and not isinstance(given, dict):
        yield path, "missing" if given is None else "invalid"
    elif isinstance(found, Section):
        for name, field in type(found).model_fields.items():
            if name not in given or (given[name] is None and NULLABLE not in field.metadata):
                if OPTIONAL not in field.metadata:
                    yield (*path, name), "missing"
            else:
                yield from _problems(getattr(found, name), given[name], (*path, name))
    elif isinstance(found, dict):
        for key, value in given.items():
            if key not in found:
                yield (*path, key), "invalid"
            else:
                yield from _problems(found[key], value, (*path, key))
    elif found is None and given is not None:
        yield path, "invalid"

"""What the Batch tab shows: how far a batch is, in words, and each image's answer for the gallery and the table."""

from html import escape
from typing import Any

from app.components.glossary import term
from app.components.html import message
from app.storage.downloads import DownloadStore
from app.tabs.batch.exports import figure_of
from app.tabs.batch.jobs import BatchJob
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow
from explain.cam.methods import METHODS
from explain.figures.labels import TITLES, percent
from explain.metrics.catalogue import METRICS, perturbations_of
from pairs.metrics import Metric

__all__ = ["column_glossary", "columns", "entry", "outcome_message", "progress_bar", "time_left"]


def columns(work: FolderRun) -> list[str]:
    """Titles of the table's columns behind the image's name."""
    titles = [title for role in TITLES for title in (f"{TITLES[role]} says", f"{TITLES[role]}: confidence")]
    titles.append("Agreement")
    if work.question.target is not None:
        name = work.pair.classes[work.question.target]
        titles += [f"{title}: {name}" for title in TITLES.values()]
    return titles + [f"{title}: {metric.label}" for metric in _measured(work).values() for title in TITLES.values()]


def entry(work: FolderRun, row: ImageRow, shelf: DownloadStore) -> dict[str, Any]:
    """One image for the gallery and the table, as app/assets/results.js takes it."""
    name = row.image
    if row.error:
        return {"name": name, "error": row.error.removeprefix(f"{name}: ")}
    knows_class = METHODS[work.question.method].knows_class
    said: list[str] = []
    cells: list[list] = []
    for role, result in row.networks.items():
        share = percent(result.confidence)
        text = f"{TITLES[role]}: {result.prediction}, {share}"
        if knows_class and result.target != result.prediction:
            text += f"; map of {result.target}"
        if result.empty:
            text += "; empty map"
        said.append(text)
        cells += [[result.prediction, None], [share, result.confidence]]
    cells.append(["agree" if row.agree else "disagree", None])
    if work.question.target is not None:
        cells += [[percent(each.target_confidence), each.target_confidence] for each in row.networks.values()]
    for key in _measured(work):
        values = [result.metrics[key] for result in row.networks.values()]
        cells += [["empty map" if value is None else f"{value:.3f}", value] for value in values]
    return {
        "name": name,
        "said": said,
        "agree": row.agree,
        "strip": shelf.put_file(f"{name}.jpg", "image/jpeg", work.strip(name)),
        "figure": shelf.put_stream(
            f"{name}.png", "image/png", lambda: iter([figure_of(work, row)]), work.maps(name).is_file
        ),
        "cells": cells,
    }


def column_glossary(work: FolderRun) -> str:
    """HTML: what the columns are, with their terms explained."""
    words = [term("confidence")]
    words += [term(metric.label) for metric in _measured(work).values()]
    return f"<p class='fine'>What the columns mean: {' '.join(words)}</p>"


def progress_bar(job: BatchJob) -> str:
    """HTML: how far a batch is."""
    words = f"{len(job.rows)} of {_images(job.total)}"
    left = job.seconds_left()
    if left is not None and len(job.rows) < job.total and not job.stopped:
        words += f", {time_left(left)}"
    return (
        f"<div class='progress'><progress max='{max(1, job.total)}' value='{len(job.rows)}' aria-label='Images done'>"
        f"</progress><span>{words}</span></div>"
    )


def time_left(seconds: float) -> str:
    """In words that do not pretend to know better."""
    if seconds < 50:
        return "less than a minute left"
    if seconds < 5400:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(seconds / 3600)} hours left"


def outcome_message(job: BatchJob) -> str:
    """HTML: how a batch has ended."""
    good = [row for row in job.rows if not row.error]
    bad = len(job.rows) - len(good)
    over = job.gathered.passed_over
    passed = f" {over} other file{'s' if over > 1 else ''} in ZIPs passed over." if over else ""
    failures = f" {_images(bad)} could not be explained; the table says why." if bad else ""
    agreed = ""
    if good:
        same = sum(row.agree for row in good)
        agreed = f" The two networks agree on {same} of {len(good)}."
    if job.stopped:
        kept = " What is done is below." if job.rows else ""
        return message(f"<b>Stopped: {len(job.rows)} of {job.total} done.</b>{kept}{failures}{agreed}{passed}")
    if not good:
        return message(f"<b>None of {_images(job.total)} could be explained</b>; the table says why.{passed}", "error")
    name = escape(job.work.pair.name)
    return message(f"<b>{len(good)} of {_images(job.total)} explained</b> by {name}.{failures}{agreed}{passed}")


def _measured(work: FolderRun) -> dict[str, Metric]:
    """Metrics that are a number for each image, by their name in a row."""
    return {
        name: METRICS[key]
        for each in perturbations_of(work.measured)
        for name, key in each.columns.items()
        if key != "increase"  # yes or no
    }


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"

"""HTML and table rows of the Batch tab."""

from typing import Any

from app.components.glossary import term
from app.components.html import message
from app.components.templates import render
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
    """Headers of the table's columns after the image's name."""
    networks = [title.replace(" ", "\N{NO-BREAK SPACE}") for title in TITLES.values()]
    titles = [f"{title}: {value}" for title in networks for value in ("prediction", "confidence")]
    titles.append("Agreement")
    if work.question.target is not None:
        name = work.pair.classes[work.question.target]
        titles += [f"{title}: {name}" for title in networks]
    return titles + [f"{title}: {metric.label}" for metric in _measured(work).values() for title in networks]


def entry(work: FolderRun, row: ImageRow, downloads: DownloadStore) -> dict[str, Any]:
    """One image of the gallery and the table, in the form that app/assets/results_table.js expects."""
    name = row.image
    if row.error:
        return {"name": name, "error": row.error.removeprefix(f"{name}: ")}
    class_specific = METHODS[work.question.method].knows_class
    summary: list[str] = []
    cells: list[list] = []
    for role, result in row.networks.items():
        confidence = percent(result.confidence)
        text = f"{TITLES[role]}: {result.prediction}, {confidence}"
        if class_specific and result.target != result.prediction:
            text += f"; heatmap for {result.target}"
        if result.empty:
            text += "; empty map"
        summary.append(text)
        cells += [[result.prediction, None], [confidence, result.confidence]]
    cells.append(["same" if row.agree else "different", None])
    if work.question.target is not None:
        cells += [[percent(each.target_confidence), each.target_confidence] for each in row.networks.values()]
    for key in _measured(work):
        values = [result.metrics[key] for result in row.networks.values()]
        cells += [["empty map" if value is None else f"{value:.3f}", value] for value in values]
    return {
        "name": name,
        "summary": summary,
        "agree": row.agree,
        "strip": downloads.put_file(f"{name}.jpg", "image/jpeg", work.strip(name)),
        "figure": downloads.put_stream(
            f"{name}.png", "image/png", lambda: iter([figure_of(work, row)]), work.maps(name).is_file
        ),
        "cells": cells,
    }


def column_glossary(work: FolderRun) -> str:
    """HTML: the terms in the column headers, with their explanations."""
    terms = [term("confidence"), *(term(metric.label) for metric in _measured(work).values())]
    return render("batch/glossary.html", terms=terms)


def progress_bar(job: BatchJob) -> str:
    """HTML: progress bar with the number of images done and the remaining time."""
    text = f"{len(job.rows)} of {job.total} image{'' if job.total == 1 else 's'}"
    left = job.seconds_left()
    if left is not None and len(job.rows) < job.total and not job.stopped:
        text += f", {time_left(left)}"
    return render("batch/progress.html", total=max(1, job.total), done=len(job.rows), text=text)


def time_left(seconds: float) -> str:
    """Remaining time, rounded."""
    if seconds < 50:
        return "less than a minute left"
    if seconds < 5400:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(seconds / 3600)} hours left"


def outcome_message(job: BatchJob) -> str:
    """HTML: outcome of a batch."""
    explained = job.explained()
    text = render(
        "batch/outcome.html",
        stopped=job.stopped,
        done=len(job.rows),
        total=job.total,
        explained=len(explained),
        failed=len(job.rows) - len(explained),
        agreed=sum(row.agree for row in explained),
        skipped=job.gathered.skipped,
        pair=job.work.pair.name,
    )
    return message(text, "note" if job.stopped or explained else "error")


def _measured(work: FolderRun) -> dict[str, Metric]:
    """Metrics with a numeric value per image, keyed by their names in a row."""
    return {
        name: METRICS[key]
        for each in perturbations_of(work.level)
        for name, key in each.columns.items()
        if key != "increase"  # boolean
    }

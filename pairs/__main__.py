"""Export a model pair's networks, and print the schema of its report."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.command_line import new_command_line, run
from core.errors import BadInputError
from pairs.layout import check_pair_folder

cli = new_command_line(__doc__)


@cli.callback()
def main() -> None:
    """Exports a model pair's networks, and prints the schema of its report."""


@cli.command()
def export(
    pair_dir: Annotated[Path, typer.Argument(metavar="PAIR_DIR", help="Folder of a model pair.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")],
    kind: Annotated[str, typer.Option("--format", help="Format: torch-export or onnx.")] = "onnx",
    network: Annotated[str, typer.Option(help="Network to export: baseline or scff.")] = "scff",
) -> None:
    """Exports one network of a pair as ONNX or torch.export.

    The exported program is checked against the network itself before it is written.
    """
    check_pair_folder(pair_dir)
    # Imported here, because --help needs none of it.
    from pairs.checkpoint import load_network
    from pairs.export import export as write
    from pairs.layout import ROLES, weights_file

    if network not in ROLES:
        raise BadInputError(f"unknown network {network!r}; known: {', '.join(ROLES)}")
    if not out.parent.is_dir():
        raise BadInputError(f"{out.parent}: no such folder")
    if out.is_dir():
        raise BadInputError(f"{out} is a folder; give a file name")
    if out.exists():
        raise BadInputError(f"{out} already exists; choose another --out, or delete it first")
    others = [role for role in ROLES if role != network and (pair_dir / weights_file(role)).is_file()]
    if others and not (pair_dir / weights_file(network)).exists():
        raise BadInputError(f"{pair_dir} is an incomplete model pair without {network}; add --network {others[0]}")
    loaded = load_network(pair_dir / weights_file(network))
    difference = write(loaded, kind, out)
    height, width = loaded.header.preprocessing.size
    print(
        f"written to {out}: images [B, 3, {height}, {width}], normalised by mean and std, to logits "
        f"[B, {len(loaded.header.classes)}]; largest difference from the network {difference:.1e} of its largest logit"
    )


@cli.command()
def schema() -> None:
    """Prints the JSON Schema of report.json."""
    from pairs.report import json_schema

    print(json.dumps(json_schema(), indent=2))


if __name__ == "__main__":
    run(cli)

"""Command line: checkpoint pairs as files for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from core.command_line import new_command_line, run
from core.errors import BadInputError
from pairs.checkpoint import ROLES, load_network, weights_file

cli = new_command_line(__doc__)


@cli.callback()
def main() -> None:
    """Checkpoint pairs as files for other programs."""


@cli.command()
def export(
    pair_dir: Annotated[Path, typer.Argument(metavar="PAIR_DIR", help="Folder of a checkpoint pair.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="What to write.")],
    kind: Annotated[str, typer.Option("--format", help="torch-export or onnx.")] = "onnx",
    network: Annotated[str, typer.Option(help="Which of the pair: baseline or scff.")] = "scff",
) -> None:
    """Writes one network of a pair as a program of torch.export or ONNX, checked against the network itself."""
    from pairs.export import export as write

    if network not in ROLES:
        raise BadInputError(f"unknown network {network!r}; known: {', '.join(ROLES)}")
    if not out.parent.is_dir():
        raise BadInputError(f"{out.parent}: no such folder to write into")
    if out.is_dir():
        raise BadInputError(f"{out} is a folder; name a file")
    if out.exists():
        raise BadInputError(f"{out} exists already; choose another --out, or delete it first")
    others = [role for role in ROLES if role != network and (pair_dir / weights_file(role)).is_file()]
    if others and not (pair_dir / weights_file(network)).exists():
        raise BadInputError(f"{pair_dir} holds no {network}, being half a pair; add --network {others[0]}")
    loaded = load_network(pair_dir / weights_file(network))
    off = write(loaded, kind, out)
    height, width = loaded.header.preprocessing.size
    print(
        f"written to {out}: images [B, 3, {height}, {width}], normalised by mean and std, to logits "
        f"[B, {len(loaded.header.classes)}]; off by {off:.1e} of the largest logit at most"
    )


if __name__ == "__main__":
    run(cli)

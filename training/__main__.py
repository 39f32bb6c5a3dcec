"""Inspect a folder of scenes, train a model pair on it, and evaluate a pair."""

from core.command_line import new_command_line, run
from training.commands.data import data
from training.commands.evaluate import evaluate
from training.commands.profile import profile
from training.commands.train import train

cli = new_command_line(__doc__)
for command in (data, train, evaluate, profile):
    cli.command()(command)

if __name__ == "__main__":
    run(cli)

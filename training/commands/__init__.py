"""The sub-commands of `python -m training`, a module each.

Their modules import no torch at the top, so that `--help` answers at once.
"""

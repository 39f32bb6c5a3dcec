"""Variants of SCFF by name: each is one module of models/fusion or models/downsample, named as the variant.

Names are listed without importing the modules, and so without PyTorch: `--help` needs no more. A new variant is a new
module that exports one class; modules whose names begin with an underscore are shared by the variants.
"""

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TypeVar

__all__ = ["DOWNSAMPLE_NAMES", "FUSION_NAMES", "load_variants"]


_Variant = TypeVar("_Variant")


def _module_names(package: str) -> tuple[str, ...]:
    """Public modules of a sub-package of models, in alphabetical order."""
    found = pkgutil.iter_modules([str(Path(__file__).with_name(package))])
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


DOWNSAMPLE_NAMES = _module_names("downsample")
"""Values of `--downsample` and FusionSettings.downsample."""
FUSION_NAMES = _module_names("fusion")
"""Values of `--fusion-variant` and FusionSettings.fusion."""


def load_variants(package: str, base: type[_Variant]) -> dict[str, type[_Variant]]:
    """Imports the variants of a sub-package of models.

    Args:
        package: downsample or fusion.
        base: the class that every variant derives from.

    Raises:
        TypeError: a module does not export exactly one class derived from it.
    """
    variants = {}
    for name in _module_names(package):
        module = import_module(f"models.{package}.{name}")
        exported = [getattr(module, public) for public in module.__all__]
        if len(exported) != 1 or not issubclass(exported[0], base):
            raise TypeError(f"{module.__name__} must export exactly one {base.__name__}, it exports {module.__all__}")
        variants[name] = exported[0]
    return variants

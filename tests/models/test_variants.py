"""Discovery of variants by their modules."""

import subprocess
import sys
from pathlib import Path

import pytest

from models import variants
from models.downsample import DOWNSAMPLES, DownSample
from models.fusion import FUSIONS, Fusion
from models.fusion_settings import FusionSettings
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES, load_variants

pytestmark = pytest.mark.essential


def test_names_match_the_classes_and_include_the_papers_defaults() -> None:
    assert list(FUSIONS) == list(FUSION_NAMES) == sorted(FUSION_NAMES)
    assert list(DOWNSAMPLES) == list(DOWNSAMPLE_NAMES) == sorted(DOWNSAMPLE_NAMES)
    assert {"add", "concat", "se", "sk", "sk_scaled", "sk_softmax", FusionSettings().fusion} <= FUSIONS.keys()
    assert {"avg", "conv1x1", "conv2x2", "max", FusionSettings().downsample} <= DOWNSAMPLES.keys()


def test_every_variant_has_a_title_of_its_own() -> None:
    for classes, base in ((FUSIONS, Fusion), (DOWNSAMPLES, DownSample)):
        assert all(issubclass(each, base) for each in classes.values())
        assert len({each.title for each in classes.values()}) == len(classes)
    assert FUSIONS["sk_scaled"].ours
    assert not FUSIONS[FusionSettings().fusion].ours
    assert not DOWNSAMPLES[FusionSettings().downsample].ours


def test_names_can_be_imported_without_torch() -> None:
    code = "import sys, models.variants; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


def test_a_new_module_is_a_new_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "extra"
    package.mkdir()
    (package / "_base.py").write_text("")
    (package / "mean.py").write_text("__all__ = ['Mean']\nclass Mean(dict): ...\n")
    monkeypatch.setattr(variants, "__file__", str(tmp_path / "variants.py"))
    monkeypatch.setattr(sys.modules["models"], "__path__", [*sys.modules["models"].__path__, str(tmp_path)])
    found = load_variants("extra", dict)
    assert [(name, each.__name__) for name, each in found.items()] == [("mean", "Mean")]
    (package / "two.py").write_text("__all__ = ['A', 'B']\nclass A(dict): ...\nclass B(dict): ...\n")
    with pytest.raises(TypeError, match=r"models\.extra\.two must export exactly one dict, it exports \['A', 'B'\]"):
        load_variants("extra", dict)


def test_every_variant_has_its_test() -> None:
    """A module beside this one, with an independent derivation that tests/models/test_scff.py composes."""
    for package, names in (("fusion", FUSION_NAMES), ("downsample", DOWNSAMPLE_NAMES)):
        for name in names:
            test = Path(__file__).with_name(package) / f"test_{name}.py"
            assert test.exists(), test
            assert "def derivation(" in test.read_text()

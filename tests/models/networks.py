"""The tested networks as parameters: one of each family, and the others in the exhaustive tests."""

import pytest

from models.architectures import NETWORKS

_SIBLINGS = {
    *("resnet34", "resnet50", "resnet101", "wide_resnet50_2", "vgg16", "vgg19_bn"),
    *("efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "densenet169"),
}
"""Another of the networks differs from each only in depth, width or batch normalisation."""

EACH_NETWORK = [pytest.param(name, marks=[pytest.mark.exhaustive] if name in _SIBLINGS else []) for name in NETWORKS]

"""Tags of a heatmap GeoTIFF."""

from collections.abc import Mapping

from explain.cam.question import Question

__all__ = ["geotiff_tags"]


def geotiff_tags(pair: str, question: Question, targets: Mapping[str, str]) -> dict[str, str]:
    """What a GeoTIFF says of its maps; targets are the classes explained, by role."""
    return {
        "TIFFTAG_SOFTWARE": "SCFF Lens",
        "pair": pair,
        "layer": question.layer,
        "method": question.method,
        **{f"{role}_target": target for role, target in targets.items()},
    }

"""The metrics of heatmaps by key: one definition each for reports, cards, pages, tables and documentation."""

from pairs.metrics import Metric

__all__ = ["METRICS"]

METRICS = {
    metric.key: metric
    for metric in (
        Metric(
            key="drop",
            title="Average drop in confidence",
            label="drop",
            unit="share of the confidence, 0 to 1",
            higher_is_better=False,
            description="How far the target's probability falls when the image is multiplied by the heatmap, so that "
            "everything outside it fades into the mean colour.",
            reference="Chattopadhay et al., WACV 2018",
        ),
        Metric(
            key="increase",
            title="Increase in confidence",
            label="increase",
            unit="share of images, 0 to 1",
            higher_is_better=True,
            description="Whether the target's probability rises when the image is multiplied by the heatmap; over "
            "several images, the share of those where it does.",
            reference="Chattopadhay et al., WACV 2018",
        ),
        Metric(
            key="insertion",
            title="Insertion AUC",
            label="insertion",
            unit="mean probability, 0 to 1",
            higher_is_better=True,
            description="Area under the target's probability while a blurred image is sharpened pixel by pixel, in "
            "the order of the heatmap.",
            reference="Petsiuk et al., RISE, BMVC 2018",
        ),
        Metric(
            key="deletion",
            title="Deletion AUC",
            label="deletion",
            unit="mean probability, 0 to 1",
            higher_is_better=False,
            description="Area under the target's probability while pixels are set to the mean colour, in the order of "
            "the heatmap.",
            reference="Petsiuk et al., RISE, BMVC 2018",
        ),
        Metric(
            key="road",
            title="ROAD",
            label="ROAD",
            unit="difference of probabilities, -0.5 to 0.5",
            higher_is_better=True,
            description="Half the target's probability without the least important pixels, less that without as many "
            "of the most important ones; removed pixels are imputed from their neighbours. Above zero the ranking is "
            "better than chance.",
            reference="Rong et al., ICML 2022",
        ),
        Metric(
            key="randomised",
            title="Similarity to a randomised network's map",
            label="randomisation",
            unit="absolute rank correlation, 0 to 1",
            higher_is_better=False,
            description="Spearman's rank correlation with the heatmap of the same network with random weights; near 1 "
            "the map does not depend on what was learned.",
            reference="Adebayo et al., NeurIPS 2018",
        ),
    )
}

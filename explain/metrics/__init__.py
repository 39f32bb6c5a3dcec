"""Metrics of heatmaps: faithfulness, randomisation, localisation, overlap, fusion attribution."""

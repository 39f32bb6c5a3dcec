"""Figures of heatmaps, for the screen and for print."""

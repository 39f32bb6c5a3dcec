"""Heatmaps of a pair's two networks, with their metrics, figures and files."""

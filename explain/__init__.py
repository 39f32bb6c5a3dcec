"""Heatmaps of a pair's two networks, and what they are worth."""

"""The Layers and fusion tab; links call it inside."""

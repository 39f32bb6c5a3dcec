"""Output of one explained image: summary, JSON, NPZ, GeoTIFF and the files of a run."""

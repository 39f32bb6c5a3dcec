"""What is written of one explained image: summary, JSON, GeoTIFF, files."""

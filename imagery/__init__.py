"""Image and raster files to RGB pixels and back: formats, bands, stretch, orientation, masks, georeference, GeoTIFF."""

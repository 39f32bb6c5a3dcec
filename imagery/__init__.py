"""Image and raster files to RGB pixels and back: formats, bands, orientation, masks, georeference, GeoTIFF."""

#!/usr/bin/env bash
# Pillow 12.3.0 opens BigTIFF only in little-endian byte order.
#
# GDAL writes all four kinds of TIFF (classic or BigTIFF, little- or big-endian), and the BigTIFF specification allows
# both byte orders. Pillow reads three of them; a big-endian BigTIFF (first bytes "MM\0+") is "cannot identify image file".
# So a check by Pillow of what GDAL can read turns valid rasters away, and tags that are looked up through Pillow (the
# orientation, the kind of alpha) are missed in silence.
#
# Seen with Pillow 12.3.0 and rasterio 1.4.4 (GDAL 3.10.3):
#   little-endian classic TIFF: opened
#   little-endian BigTIFF: opened
#   big-endian classic TIFF: opened
#   big-endian BigTIFF: UnidentifiedImageError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pillow==12.3.0 rasterio==1.4.4 numpy==2.4.6
venv/bin/python - <<'PYTHON' | tee seen
import warnings

import numpy as np
import rasterio
from PIL import Image, UnidentifiedImageError

warnings.filterwarnings("ignore")
pixels = np.arange(3 * 20 * 30, dtype=np.uint8).reshape(3, 20, 30)
profile = {"driver": "GTiff", "width": 30, "height": 20, "count": 3, "dtype": "uint8", "photometric": "rgb"}
for order in ("little", "big"):
    for name, big in (("classic TIFF", "NO"), ("BigTIFF", "YES")):
        with rasterio.open("image.tif", "w", ENDIANNESS=order.upper(), BIGTIFF=big, **profile) as file:
            file.write(pixels)
        with rasterio.open("image.tif") as file:
            assert np.array_equal(file.read(), pixels)  # a valid file
        try:
            with Image.open("image.tif") as image:
                assert np.array_equal(np.asarray(image), pixels.transpose(1, 2, 0))
            print(f"{order}-endian {name}: opened")
        except UnidentifiedImageError as error:
            print(f"{order}-endian {name}: {type(error).__name__}")
PYTHON
diff seen - <<'SEEN'
little-endian classic TIFF: opened
little-endian BigTIFF: opened
big-endian classic TIFF: opened
big-endian BigTIFF: UnidentifiedImageError
SEEN

#!/usr/bin/env bash
# GDAL's GIF driver presents the frames of an animation as bands, each with a palette of its own.
#
# An animated GIF of three frames is a raster of three bands: code that takes the first three bands as red, green and
# blue mixes three moments of time, and does so on palette indexes, which mean another colour in each band. Formats with
# pages otherwise (TIFF) present them as subdatasets.
#
# Seen with rasterio 1.4.4 (GDAL 3.10.3) and Pillow 12.3.0, on frames of the greys 10, 120 and 240:
#   bands: 3, subdatasets: 0
#   band 1: index 0 of its palette is grey 10
#   band 2: index 0 of its palette is grey 120
#   band 3: index 0 of its palette is grey 240
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
from PIL import Image

warnings.filterwarnings("ignore")
frames = [Image.fromarray(np.full((20, 30), grey, dtype=np.uint8)) for grey in (10, 120, 240)]
frames[0].save("animation.gif", save_all=True, append_images=frames[1:], duration=100)
with rasterio.open("animation.gif") as file:
    print(f"bands: {file.count}, subdatasets: {len(file.subdatasets)}")
    for band in file.indexes:
        (index,) = np.unique(file.read(band))
        print(f"band {band}: index {index} of its palette is grey {file.colormap(band)[index][0]}")
PYTHON
diff seen - <<'SEEN'
bands: 3, subdatasets: 0
band 1: index 0 of its palette is grey 10
band 2: index 0 of its palette is grey 120
band 3: index 0 of its palette is grey 240
SEEN

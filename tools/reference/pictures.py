"""Pictures in the formats that folders of training data hold, and what Pillow unpacks them to (as PNG).

    python pictures.py packages/zoo/test/in
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
y, x = np.mgrid[0:16, 0:24]
colour = Image.fromarray(np.stack([x * 10, y * 15, (x + y) * 6], -1).astype('uint8'))
grey = colour.convert('L')
transparent = colour.copy()
transparent.putalpha(128)


def save(name, picture, **options):
    picture.save(out / name, **options)
    unpacked = Image.open(out / name)
    unpacked.convert('L' if picture.mode == 'L' else 'RGB').save(out / f'{name}.png', optimize=True)


save('colour.jpg', colour, quality=90)
save('progressive.jpg', colour, quality=90, progressive=True)
save('grey.jpg', grey, quality=90)
save('colour.webp', colour, quality=90)
save('lossless.webp', colour, lossless=True)
save('grey.webp', grey, lossless=True)
# Of the size that the smallest model takes.
save('square.jpg', colour.crop((0, 0, 16, 16)), quality=90)
# Not to be read: only their headers are looked at.
colour.convert('CMYK').save(out / 'cmyk.jpg', quality=90)
transparent.save(out / 'transparent.webp', lossless=True)
colour.save(out / 'animated.webp', save_all=True, append_images=[grey.convert('RGB')])

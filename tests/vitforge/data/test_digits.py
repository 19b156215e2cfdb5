import io

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from vitforge.data import digits


def test_the_images_are_those_of_scikit_learn() -> None:
    oracle = load_digits()
    read = digits.read_digits()
    assert [image.label for image in read.images] == [str(label) for label in oracle.target]
    for row in (0, 7, 1796):
        pixels = np.asarray(Image.open(io.BytesIO(read.images[row].load())), dtype=float)
        # 17 levels of ink on 256 greys: exact to half a grey.
        np.testing.assert_allclose(pixels, oracle.images[row] * 255 / 16, atol=0.5)


def test_where_scikit_learn_keeps_its_file_elsewhere_its_loader_is_used(monkeypatch) -> None:
    table = digits._read_table()
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: None)
    np.testing.assert_array_equal(digits._read_table(), table)

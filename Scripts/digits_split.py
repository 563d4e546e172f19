"""The handwritten digits of scikit-learn, split once and for all.

1,797 images of 8 x 8 pixels, each a whole number 0...16, written by 43 people and digitised by the
US National Institute of Standards and Technology (the test part of the UCI "Optical Recognition of
Handwritten Digits" set). 1,437 train the model, 360 are held out and never seen in training.
"""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

SEED = 20_260
TRAINING = 1_437
TOTAL = 1_797


class Digits(NamedTuple):
    """Images as [count, 1, 8, 8] FP32 with pixels 0...16, their digits, their places in the set."""

    images: np.ndarray
    labels: np.ndarray
    places: np.ndarray


def load_split():
    """Gives (training, held_out), the same on every machine.

    `RandomState` is numpy's frozen generator: its stream stays the same from version to version.
    """
    source = load_digits()
    images = source.images.astype(np.float32).reshape(-1, 1, 8, 8)
    labels = source.target.astype(np.int64)
    if len(images) != TOTAL:
        raise SystemExit(
            f"digits: scikit-learn ships {len(images)} images, expected {TOTAL}; "
            "install the version that Scripts/requirements-demo.txt pins"
        )
    order = np.random.RandomState(SEED).permutation(TOTAL)
    parts = order[:TRAINING], order[TRAINING:]
    return tuple(Digits(images[part], labels[part], part) for part in parts)

"""A model that no layer walk can follow: `bench.own_model:gated` is measured by a dry run alone."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


class Gate(layers.Layer):  # type: ignore[misc]
    """Every channel times a sigmoid of its own normalized square: a few pointwise operations that keep tensors."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, tensor: Any) -> Any:
        square = keras.ops.mean(keras.ops.square(tensor), axis=(1, 2), keepdims=True)
        return tensor * keras.ops.sigmoid(self.scale * tensor / keras.ops.sqrt(square + 1e-3))


def gated() -> keras.Model:
    """Seven stages of convolutions and gates on images of 224 x 224, 12 million parameters."""
    image = layers.Input((224, 224, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same")(image)
    for filters in (64, 128, 128, 256, 512, 1024):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = Gate()(layers.BatchNormalization()(x))
        if min(x.shape[1:3]) > 7:
            x = layers.AveragePooling2D(2)(x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(1000, activation="softmax")(x))

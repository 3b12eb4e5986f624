"""The write-ups' networks as Keras code, to compare ours with: each as its source writes it.

Import this only after KERAS_BACKEND is set (see the fixture in test_keras_fidelity.py).
Every function returns a functional model whose output is the logits, before any sigmoid or softmax.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, layers, ops

Size = tuple[int, int]
EXPANSIONS = ["block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu"]


def mobilenet_unet(size: Size = (256, 256), *, classes: int = 1, alpha: float = 0.35) -> keras.Model:
    """The first source's U-Net on MobileNetV2: nearest upsampling, skips with the input picture among them."""
    inputs = keras.Input((*size, 3), name="input_image")
    encoder = keras.applications.MobileNetV2(input_tensor=inputs, weights=None, include_top=False, alpha=alpha)
    skips = [inputs, *(encoder.get_layer(name).output for name in EXPANSIONS[:3])]
    x = encoder.get_layer(EXPANSIONS[3]).output
    for filters, skip in zip((64, 48, 32, 16), reversed(skips), strict=True):
        x = layers.UpSampling2D((2, 2))(x)
        x = layers.Concatenate()([x, skip])
        for _ in range(2):
            x = layers.Conv2D(filters, (3, 3), padding="same")(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
    return keras.Model(inputs, layers.Conv2D(classes, (1, 1), padding="same")(x))


def mobilenet_pix2pix(size: Size = (128, 128), *, classes: int = 3) -> keras.Model:
    """TensorFlow's segmentation tutorial: a frozen MobileNetV2 inside, pix2pix's upsampling blocks outside."""
    encoder = keras.applications.MobileNetV2(input_shape=(*size, 3), weights=None, include_top=False)
    outputs = [encoder.get_layer(name).output for name in [*EXPANSIONS, "block_16_project"]]
    down_stack = keras.Model(encoder.input, outputs)
    down_stack.trainable = False
    inputs = keras.Input((*size, 3))
    *skips, x = down_stack(inputs)
    for filters, skip in zip((512, 256, 128, 64), reversed(skips), strict=True):
        x = _pix2pix_upsample(filters)(x)
        x = layers.Concatenate()([x, skip])
    return keras.Model(inputs, layers.Conv2DTranspose(classes, 3, strides=2, padding="same")(x))


def _pix2pix_upsample(filters: int) -> keras.Sequential:
    initializer = keras.initializers.RandomNormal(0.0, 0.02)
    return keras.Sequential(
        [
            layers.Conv2DTranspose(
                filters, 3, strides=2, padding="same", kernel_initializer=initializer, use_bias=False
            ),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    )


def strided_fcn(size: Size = (96, 128), *, classes: int = 1) -> keras.Model:
    """Carvana's small network: strided convolutions down, transposed ones up, no skips; He's first weights."""
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    inputs = x = keras.Input((*size, 3))
    for filters in (64, 128, 256):
        x = layers.Conv2D(filters, 3, strides=2, **options)(x)
        x = layers.Conv2D(filters, 3, **options)(x)
    for filters in (256, 128, 64):
        x = layers.Conv2DTranspose(filters, 3, **options)(x)
        x = layers.Conv2DTranspose(filters, 3, strides=2, **options)(x)
    return keras.Model(inputs, layers.Conv2D(classes, 3, padding="same", kernel_initializer="he_normal")(x))


def plain_unet(
    size: Size = (96, 128),
    *,
    classes: int = 1,
    filters: Sequence[int] = (64, 128, 256, 512, 1024),
    dropout: float = 0.3,
    batch_norm: bool = False,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Carvana's U-Net: 3x3 transposed convolutions without activation up, one more 3x3 convolution at the end."""
    options = {"batch_norm": batch_norm, "kernel_initializer": kernel_initializer}
    inputs = x = keras.Input((*size, 3))
    skips = []
    for depth, count in enumerate(filters):
        x = _two_convolutions(x, count, **options)
        if dropout and depth >= len(filters) - 2:
            x = layers.Dropout(dropout)(x)
        if depth < len(filters) - 1:
            skips.append(x)
            x = layers.MaxPooling2D(2)(x)
    for count, skip in zip(reversed(filters[:-1]), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(count, 3, strides=2, padding="same", kernel_initializer=kernel_initializer)(x)
        x = layers.Concatenate()([x, skip])
        x = _two_convolutions(x, count, **options)
    x = _convolution(x, filters[0], **options)
    x = layers.Conv2D(classes, 1, padding="same", kernel_initializer=kernel_initializer)(x)
    return keras.Model(inputs, x)


def _two_convolutions(x: KerasTensor, filters: int, **options: Any) -> KerasTensor:
    return _convolution(_convolution(x, filters, **options), filters, **options)


def _convolution(
    x: KerasTensor,
    filters: int,
    *,
    batch_norm: bool,
    epsilon: float = 1e-3,
    kernel_initializer: str = "glorot_uniform",
) -> KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", kernel_initializer=kernel_initializer)(x)
    if batch_norm:
        x = layers.BatchNormalization(epsilon=epsilon)(x)
    return layers.Activation("relu")(x)


class Pool(layers.Layer):
    """2x2 maxima and the place of each in its window, 0 to 3; even height and width."""

    def call(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        _, height, width, channels = x.shape
        windows = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
        windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 5, 2, 4)), (-1, height // 2, width // 2, channels, 4))
        return ops.max(windows, axis=-1), ops.argmax(windows, axis=-1)


class Unpool(layers.Layer):
    """Each value back to its place in a 2x2 window, zeros elsewhere."""

    def call(self, x: KerasTensor, places: KerasTensor) -> KerasTensor:
        _, height, width, channels = x.shape
        windows = ops.expand_dims(x, -1) * ops.one_hot(places, 4)
        windows = ops.reshape(windows, (-1, height, width, channels, 2, 2))
        return ops.reshape(ops.transpose(windows, (0, 1, 4, 2, 5, 3)), (-1, 2 * height, 2 * width, channels))


def segnet(size: Size = (64, 96), *, classes: int = 1) -> keras.Model:
    """SegNet on VGG-16 with batch norm: unpooling with the encoder's places, the mirrored decoder.

    Its source is Caffe, and the batch norms have Caffe's epsilon, 1e-5, as PyTorch's VGG-16 has.
    """
    inputs = x = keras.Input((*size, 3))
    stages = [(64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)]
    places = []
    for stage in stages:
        for filters in stage:
            x = _convolution(x, filters, batch_norm=True, epsilon=1e-5)
        x, place = Pool()(x)
        places.append(place)
    mirrored = [(512, 512, 512), (512, 512, 256), (256, 256, 128), (128, 64), (64,)]
    for stage, place in zip(mirrored, reversed(places), strict=True):
        x = Unpool()(x, place)
        for filters in stage:
            x = _convolution(x, filters, batch_norm=True, epsilon=1e-5)
    return keras.Model(inputs, layers.Conv2D(classes, 3, padding="same")(x))

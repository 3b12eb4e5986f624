"""Weights from a Keras model into one of ours, by the order in which pictures pass through the layers.

No names are matched: the k-th layer with weights that runs in Keras gives its weights to the k-th that runs in ours.
That works for networks whose layers with weights form one chain, which all of the write-ups' do.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import torch
from torch import Tensor, nn

NORM = ("weight", "bias", "running_mean", "running_var")  # gamma, beta, moving mean and variance


def layers_with_weights(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Convolutions and batch norms in the order in which they run, those of models inside included."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_with_weights(layer)
        elif layer.weights:
            yield layer


def arrays(layer: keras.layers.Layer) -> list[Tensor]:
    """A layer's weights as Keras orders them, without gradients."""
    return [weight.value.detach().clone() for weight in layer.weights]


def give_random_statistics(model: keras.Model, image: Tensor, seed: int) -> None:
    """Draw what Keras starts at 0 or 1: biases, and all four of a batch norm, so that epsilon and order matter.

    The averages lie about those of `image`, (N, 3, H, W), so that values neither vanish nor explode.
    """
    draw = torch.Generator().manual_seed(seed)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return torch.rand(like.shape, generator=draw) * (high - low) + low

    norms = []
    for layer in layers_with_weights(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            norms.append((layer, layer.momentum, layer.trainable))
            layer.gamma.assign(uniform(layer.gamma.value, 0.3, 0.9))
            layer.beta.assign(uniform(layer.beta.value, -0.2, 0.5))
            layer.momentum, layer.trainable = 0.0, True  # take the next batch's averages as they are
        elif getattr(layer, "use_bias", False):
            layer.bias.assign(uniform(layer.bias.value, -0.2, 0.2))
    logits(model, image, training=True)
    for layer, momentum, trainable in norms:
        mean, variance = layer.moving_mean.value.clone(), layer.moving_variance.value.clone()
        layer.moving_mean.assign(mean + uniform(mean, -0.3, 0.3) * variance.sqrt())
        layer.moving_variance.assign(variance * uniform(variance, 0.5, 1.5))
        layer.momentum, layer.trainable = momentum, trainable


def convert(model: keras.Model, network: nn.Module, image: Tensor) -> list[tuple[str, keras.layers.Layer]]:
    """Copy every weight of the Keras model into ours, which runs on `image` once to show its order.

    Returns our modules' names, each with the Keras layer it was filled from.
    Raises ValueError when a layer is left over on either side, or is of another kind or shape.
    """
    ours, theirs = _modules_in_order(network, image), list(layers_with_weights(model))
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} layers with weights here, {len(theirs)} in Keras")
    state = {}
    for (name, module), layer in zip(ours, theirs, strict=True):
        for weight, tensor in _torch_weights(layer).items():
            state[f"{name}.{weight}"] = tensor
            if getattr(module, weight).shape != tensor.shape:
                raise ValueError(f"{name}.{weight} is {tuple(getattr(module, weight).shape)}; Keras: {layer.path}")
    missing, unexpected = network.load_state_dict(state, strict=False)
    left = [name for name in missing if not name.endswith("num_batches_tracked")]
    if left or unexpected:
        raise ValueError(f"not in Keras: {left}; not in ours: {unexpected}")
    return [(name, layer) for (name, _), layer in zip(ours, theirs, strict=True)]


def _modules_in_order(network: nn.Module, image: Tensor) -> list[tuple[str, nn.Module]]:
    order: list[tuple[str, nn.Module]] = []
    hooks = [
        module.register_forward_hook(lambda module, *_, name=name: order.append((name, module)))
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    with torch.no_grad():
        network.eval()(image)
    for hook in hooks:
        hook.remove()
    return order


def _torch_weights(layer: keras.layers.Layer) -> dict[str, Tensor]:
    """One layer's weights under torch's names and in torch's order of axes."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return dict(zip(NORM, arrays(layer), strict=True))
    kernel, *bias = arrays(layer)
    # (h, w, in, out) -> (out, in, h, w); transposed (h, w, out, in) -> (in, out, h, w); depthwise (h, w, channels, 1).
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (3, 2, 0, 1)
    return {"weight": kernel.permute(axes).contiguous(), **({"bias": bias[0]} if bias else {})}


def save_as_published(model: keras.Model, path: Path) -> None:
    """Write a flat model's weights in the form of Keras's published files.

    A group a layer, in it the arrays as LAYER/WEIGHT:0, their order in the attributes layer_names and weight_names.
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{_old_name(layer, weight.name)}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, arrays(layer), strict=True):
                group[name] = array.numpy()


def _old_name(layer: keras.layers.Layer, name: str) -> str:
    return "depthwise_kernel" if isinstance(layer, keras.layers.DepthwiseConv2D) and name == "kernel" else name


def features(model: keras.Model, names: list[str], image: Tensor) -> list[Tensor]:
    """Outputs of the named layers on (N, 3, H, W), as (N, C, H, W)."""
    inner = keras.Model(model.input, [model.get_layer(name).output for name in names])
    with torch.no_grad():
        return [output.movedim(-1, 1) for output in inner(image.movedim(1, -1).contiguous(), training=False)]


def logits(model: keras.Model, image: Tensor, *, training: bool = False) -> Tensor:
    """The model's output on (N, 3, H, W), as (N, K, H, W)."""
    with torch.no_grad():
        return model(image.movedim(1, -1).contiguous(), training=training).movedim(-1, 1)

"""Ways of decoding with the models on a CUDA device, whole loops and all."""

from evidentia.kernels.decoding.gpu import cards

__all__ = ["cards"]

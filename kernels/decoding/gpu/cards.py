"""The cards of decoding on a CUDA device: mechanisms and conditions are those of the family for the CPU.

The loops, the caches and the rules of acceptance are the same code; passes of the models run on the device, what is
drawn and compared on the host. The test bed's models are small, so that launching their operations costs more than
computing them: the conditions are part of every claim.
"""

from dataclasses import replace

from evidentia.kernels.decoding.cards import CARDS, FAMILY
from evidentia.kernels.registry import Metric, register, register_family

_WAYS = ("autoregressive", "speculative", "medusa")
_KEPT = {metric.name: metric for metric in FAMILY.metrics}

if CARDS:
    register_family(
        replace(
            FAMILY,
            name="decoding-gpu",
            within="decoding",
            purpose="generating text with the test bed's models on a CUDA device, after prompts from held-out files",
            measure="evidentia.kernels.decoding.gpu.measurement:measure",
            metrics=(
                replace(
                    _KEPT["time_per_token"],
                    purpose="wall time of decoding for a new token at batch 1, the loop on the host, the models on the "
                    "device, reading the prompt left out",
                ),
                Metric(
                    "tokens_per_second",
                    "new tokens in a second of that time",
                    unit="tokens/s",
                    direction="higher",
                    effect="ratio",
                    smallest_effect=1.05,
                    timed=True,
                ),
                _KEPT["tokens_per_step"],
                _KEPT["identical"],
            ),
        )
    )
    register(*(replace(card, family="decoding-gpu", needs_gpu=True) for card in CARDS if card.name in _WAYS))

"""Measuring one way of decoding on one prompt with one seed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from evidentia.kernels import timing
from evidentia.kernels.decoding import autoregressive, chain, medusa
from evidentia.kernels.decoding.chain import Drafter, Generation
from evidentia.kernels.decoding.heads import load as load_heads
from evidentia.kernels.decoding.prompt_lookup import PromptLookup
from evidentia.kernels.decoding.speculative import ModelDrafter
from evidentia.kernels.decoding.suffix_tree import SuffixDrafter
from evidentia.kernels.decoding.tree import best
from evidentia.kernels.decoding.workload import prompt as draw_prompt
from evidentia.kernels.registry import Value
from evidentia.kernels.testbed.data import BYTES, START
from evidentia.kernels.testbed.load import load
from evidentia.kernels.testbed.model import Decoder

_REPEATS = 3
_DRAFTING, _DECODING, _ROLLING = 1, 2, 3
_heads = cache(load_heads)


@cache
def _model(name: str) -> Decoder:
    try:
        return load(name)
    except KeyError as missing:
        raise ValueError(f"decoding needs the test bed's {name} model, whose checkpoint is not shipped") from missing


@cache
def _moved(name: str, device: str) -> Decoder:
    return copy.deepcopy(_model(name)).to(device)


def _model_on(name: str, device: str) -> Decoder:
    return _model(name) if device == "cpu" else _moved(name, device)


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    gamma: int,
    temperature: float,
    prompt_length: int,
    new_tokens: int,
    device: str = "cpu",
    **settings: Value,
) -> dict[str, float]:
    """One prompt's decoding: ``tokens_per_step``, ``acceptance_rate`` in %, ``time_per_token`` in ms on one thread
    (median of three decodings after one, without outliers), ``identical`` in % and ``bits_per_token``.

    The last step may go beyond `new_tokens`; what it made beyond them counts for the first two and the time. On another
    `device` than the CPU the time is that of the whole loop, which one thread of the host drives. Raises ValueError
    where a checkpoint is missing, and where prompt and new tokens exceed the model's context.
    """
    model = _model_on("main", device)
    longest = prompt_length + new_tokens + gamma + 1
    if longest > model.config.context:
        raise ValueError(f"prompt and new tokens make {longest} tokens, but the context is {model.config.context}")
    prompt = draw_prompt(seed, prompt_length)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:

        def decode() -> Generation:
            return _decode(kernel, model, prompt, new_tokens, gamma, temperature, seed, settings, device)

        def seconds() -> float:
            with timing.pinned():
                return timing.typical_of(lambda: decode().seconds, _REPEATS)

        made = decode()
        ways: dict[str, Callable[[], float]] = {
            "tokens_per_step": lambda: len(made.tokens) / made.steps,
            "acceptance_rate": lambda: 100.0 * made.accepted / max(1, made.examined),
            "identical": lambda: _identical(made, prompt, new_tokens, device),
            "bits_per_token": lambda: _bits(model, prompt, made.tokens[:new_tokens]),
            "time_per_token": lambda: 1000.0 * seconds() / len(made.tokens),
        }
        return {name: ways[name]() for name in metrics}
    finally:
        torch.set_num_threads(threads)


def _decode(
    kernel: str,
    model: Decoder,
    prompt: bytes,
    count: int,
    gamma: int,
    temperature: float,
    seed: int,
    settings: dict[str, Value],
    device: str,
) -> Generation:
    generator = np.random.default_rng([seed, _DECODING])
    if kernel == "autoregressive":
        return autoregressive.generate(model, prompt, count, temperature=temperature, generator=generator)
    if kernel in ("medusa", "medusa-typical"):
        heads, accuracy = _heads()
        tree = best(tuple(tuple(row) for row in accuracy[:gamma]), int(settings["tree_nodes"]))
        typical = kernel == "medusa-typical"
        rule = medusa.typical(float(settings["epsilon"])) if typical else medusa.exact(generator)
        return medusa.generate(model, heads.to(device), tree, prompt, count, temperature=temperature, rule=rule)
    drafters: dict[str, Callable[[], Drafter]] = {
        "speculative": lambda: ModelDrafter(
            _model_on("draft", device), temperature, np.random.default_rng([seed, _DRAFTING])
        ),
        "prompt-lookup": lambda: PromptLookup(int(settings["longest_match"])),
        "suffix-tree": lambda: _suffix_drafter(prompt, count + gamma, seed, settings),
    }
    return chain.generate(
        model, prompt, count, drafters[kernel](), gamma=gamma, temperature=temperature, generator=generator
    )


def _suffix_drafter(prompt: bytes, length: int, seed: int, settings: dict[str, Value]) -> SuffixDrafter:
    number, temperature = int(settings["rollouts"]), float(settings["rollout_temperature"])
    return SuffixDrafter([prompt + rollout for rollout in _rollouts(prompt, number, length, temperature, seed)])


@lru_cache(maxsize=64)
def _rollouts(prompt: bytes, number: int, length: int, temperature: float, seed: int) -> tuple[bytes, ...]:
    generator = np.random.default_rng([seed, _ROLLING])
    return autoregressive.rollouts(
        _model("main"), prompt, number, length=length, temperature=temperature, generator=generator
    )


@lru_cache(maxsize=64)
def _greedy(prompt: bytes, count: int, device: str) -> list[int]:
    generator = np.random.default_rng(0)
    return autoregressive.generate(
        _model_on("main", device), prompt, count, temperature=0.0, generator=generator
    ).tokens


def _identical(made: Generation, prompt: bytes, count: int, device: str) -> float:
    pairs = zip(made.tokens[:count], _greedy(prompt, count, device), strict=True)
    return 100.0 * sum(a == b for a, b in pairs) / count


@torch.inference_mode()
def _bits(model: Decoder, prompt: bytes, tokens: list[int]) -> float:
    text = torch.tensor([START, *prompt, *tokens], device=model.device)
    logits = model(text[None, :-1])[0, len(prompt) :, :BYTES].double()
    return float(F.cross_entropy(logits, text[1 + len(prompt) :])) / float(np.log(2))

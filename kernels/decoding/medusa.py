"""Medusa: heads on the model's own hidden state draft a tree of candidates, verified in one pass (Medusa, section 2).

A step feeds the last token, which stands already, and the tree of guesses after it; tree attention lets every node see
its own path alone. Then a path is walked down by one of two rules, and the model's own next token ends the step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from evidentia.kernels import cuda
from evidentia.kernels.decoding.cache import TreeCache
from evidentia.kernels.decoding.chain import Generation
from evidentia.kernels.decoding.heads import MedusaHeads, hidden
from evidentia.kernels.decoding.sampling import Probabilities, draw, probabilities
from evidentia.kernels.decoding.tree import Tree
from evidentia.kernels.testbed.data import BYTES, START
from evidentia.kernels.testbed.model import Decoder

# A rule takes the tree, its tokens and the model's distributions (nodes, 256); it returns the last node that stands
# and the token after it.
Rule = Callable[[Tree, list[int], Probabilities], tuple[int, int]]


def exact(generator: np.random.Generator) -> Rule:
    """Draw the model's own token after each node and go on where a child holds it: greedy at temperature 0, and the
    model's distribution at any other."""

    def rule(tree: Tree, tokens: list[int], target: Probabilities) -> tuple[int, int]:
        node = 0
        while True:
            token = draw(target[node], generator)
            following = [child for child in tree.children[node] if tokens[child] == token]
            if not following:
                return node, token
            node = following[0]

    return rule


def typical(epsilon: float) -> Rule:
    """Let a candidate stand where the model gives it more than ``min(epsilon, delta exp(-H))``, with H the entropy in
    nats of its distribution there and ``delta = sqrt(epsilon)``, and take the deepest, the likelier of equals; the
    token after it is the likeliest (Medusa, section 2.3.1). Not the model's distribution, but greedy at temperature 0.
    """

    def rule(tree: Tree, tokens: list[int], target: Probabilities) -> tuple[int, int]:
        entropy = -np.sum(target * np.log(np.maximum(target, 1e-300)), axis=1)
        threshold = np.minimum(epsilon, np.sqrt(epsilon) * np.exp(-entropy))
        standing = {0: 0.0}
        for node in range(1, len(tokens)):
            parent = tree.parents[node]
            probability = float(target[parent, tokens[node]])
            if parent in standing and probability > threshold[parent]:
                standing[node] = standing[parent] + np.log(probability)
        last = max(standing, key=lambda n: (int(tree.depths[n]), standing[n]))
        return last, int(target[last].argmax())

    return rule


@torch.inference_mode()
def generate(
    model: Decoder, heads: MedusaHeads, tree: Tree, prompt: bytes, count: int, *, temperature: float, rule: Rule
) -> Generation:
    """At least `count` bytes after the start token and `prompt`. The heads lie where the model does."""
    kept, made, device = TreeCache(), Generation(), model.device
    fed = torch.tensor([[START, *prompt[:-1]]], device=device)
    last, state = prompt[-1], hidden(model, fed, torch.arange(fed.shape[1], device=device), kept)[0, -1:]
    depths, ancestors = tree.depths.to(device), tree.ancestors.to(device)
    used, unembedding = int(tree.depths.max()), model.head.weight
    widest = 1 + max((path[-1] for path in tree.paths[1:]), default=0)
    guesses = [(len(path) - 1, path[-1]) for path in tree.paths[1:]]
    began = cuda.clock(device)
    while len(made.tokens) < count:
        ranked = heads(state, unembedding, used)[:, 0, :BYTES].topk(widest, dim=-1).indices.tolist()
        tokens = [last, *(ranked[head][rank] for head, rank in guesses)]
        kept.expect(ancestors)
        states = hidden(model, torch.tensor([tokens], device=device), kept.length + depths, kept)[0]
        node, last = rule(tree, tokens, probabilities(model.head(states), temperature))
        path = tree.path_to(node)
        kept.keep(path)
        state = states[node : node + 1]
        made.tokens += [*(tokens[n] for n in path[1:]), last]
        made.steps += 1
        made.accepted += len(path) - 1
        made.examined += len(path) - 1 + bool(tree.children[node])
    made.seconds = cuda.clock(device) - began
    return made

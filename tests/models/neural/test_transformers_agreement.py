"""Hugging Face `transformers` as referee: their networks with the same weights give the same logits."""

import pytest
import torch

from lmcompare.models.neural.options import TransformerOptions
from lmcompare.models.neural.transformer import TransformerNetwork

transformers = pytest.importorskip("transformers", reason="the referee `transformers` is not installed")

SIZE, WIDTH, HEADS, LAYERS, PLACES = 50, 32, 4, 2, 24
SHAPE = {"width": WIDTH, "heads": HEADS, "layers": LAYERS, "window": PLACES, "length": PLACES, "dropout": 0.0}
COMMON = {"vocab_size": SIZE, "bos_token_id": 0, "eos_token_id": 1, "attn_implementation": "eager"}


def gpt2():
    config = transformers.GPT2Config(n_positions=PLACES, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, **COMMON)
    theirs = transformers.GPT2LMHeadModel(config)
    options = {"positions": "learned", "activation": "gelu-tanh", "bias": True, "embedding_scale": False}
    return theirs, options, lambda: gpt2_weights(theirs)


def gpt2_weights(theirs):
    """Their weights under our names."""
    state = {
        "embedding.weight": theirs.transformer.wte.weight,
        "position_vectors": theirs.transformer.wpe.weight,
    }
    for number, block in enumerate(theirs.transformer.h):
        for ours, part in {
            "attention_norm": block.ln_1,
            "attention.qkv": block.attn.c_attn,
            "attention.out": block.attn.c_proj,
            "feed_forward_norm": block.ln_2,
            "feed_forward.up": block.mlp.c_fc,
            "feed_forward.down": block.mlp.c_proj,
        }.items():
            # Their matrices stand the other way round.
            state[f"blocks.{number}.{ours}.weight"] = part.weight.mT if part.weight.ndim == 2 else part.weight
            state[f"blocks.{number}.{ours}.bias"] = part.bias
    state |= {"norm.weight": theirs.transformer.ln_f.weight, "norm.bias": theirs.transformer.ln_f.bias}
    return state


def llama(tied=False, kv_heads=HEADS, kind="Llama", epsilon=1e-6, **own):
    """Llama and those built like it."""
    config = getattr(transformers, f"{kind}Config")(
        hidden_size=WIDTH,
        intermediate_size=40,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=kv_heads,
        head_dim=WIDTH // HEADS,
        max_position_embeddings=PLACES,
        rms_norm_eps=epsilon,
        tie_word_embeddings=tied,
        **COMMON,
        **own,
    )
    theirs = getattr(transformers, f"{kind}ForCausalLM")(config)
    options = {
        "norm": "rms",
        "norm_epsilon": epsilon,
        "activation": "swiglu",
        "feed_forward": 40,
        "kv_heads": kv_heads,
        "tied": tied,
        "embedding_scale": False,
        "qk_norm": kind == "Qwen3",
        "attention_window": own.get("sliding_window"),
    }
    return theirs, options, lambda: llama_weights(theirs, tied)


def llama_weights(theirs, tied):
    """Their weights under our names."""
    state = {"embedding.weight": theirs.model.embed_tokens.weight, "norm.weight": theirs.model.norm.weight}
    state |= {} if tied else {"embedding.output": theirs.lm_head.weight}
    for number, block in enumerate(theirs.model.layers):
        attention, mlp = block.self_attn, block.mlp
        qkv = (attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight)
        parts = {
            "attention_norm": block.input_layernorm.weight,
            "attention.qkv": torch.cat(qkv),
            "attention.out": attention.o_proj.weight,
            "feed_forward_norm": block.post_attention_layernorm.weight,
            "feed_forward.up": torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]),
            "feed_forward.down": mlp.down_proj.weight,
        }
        if hasattr(attention, "q_norm"):
            parts |= {
                "attention.q_norm": attention.q_norm.weight,
                "attention.k_norm": attention.k_norm.weight,
            }
        state |= {f"blocks.{number}.{name}.weight": value for name, value in parts.items()}
    return state


REFEREES = {
    "gpt2": gpt2,
    "llama": llama,
    "llama, shared heads, tied": lambda: llama(tied=True, kv_heads=2, epsilon=1e-5),
    "mistral, sliding window": lambda: llama(kind="Mistral", kv_heads=1, sliding_window=5),
    "qwen3, normalised queries and keys": lambda: llama(kind="Qwen3", kv_heads=2),
}


@pytest.mark.parametrize("name", REFEREES)
@torch.no_grad()
def test_with_the_same_weights_the_logits_agree(name):
    torch.manual_seed(0)
    theirs, options, weights = REFEREES[name]()
    theirs.eval()
    for parameter in theirs.parameters():  # no bias stays 0 and no gain 1
        parameter.add_(0.1 * torch.randn_like(parameter))
    state = weights()
    ours = TransformerNetwork(SIZE, 0, TransformerOptions(**SHAPE, **options)).eval()
    missing, unexpected = ours.load_state_dict(state, strict=False)
    assert not unexpected and missing == ["embedding.bias"]
    tokens = torch.randint(0, SIZE, (3, PLACES))
    found, expected = ours.embedding.logits(ours(ours.embedding(tokens))), theirs(tokens).logits
    torch.testing.assert_close(found[..., 1:], expected[..., 1:], atol=1e-5, rtol=1e-5)
    assert float(expected.std()) > 0.1

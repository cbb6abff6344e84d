"""Writes packages/testkit/fixtures/text-encoders: what transformers computes for small CLIP and T5 text encoders.

    pip install torch transformers safetensors
    python tools/reference/text_encoders.py packages/testkit/fixtures/text-encoders

Files and weights as in unet2d_variants.py. Beside `out`, other outputs as `out.<name>`; where a variant says so, `target`,
`loss` and `grad.<parameter>`. position-buckets.json holds T5's buckets of relative positions for several settings.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel
from transformers.models.t5.modeling_t5 import T5Attention
from unet2d_variants import weight

CLIP = dict(vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4, projection_dim=6, max_position_embeddings=9)
T5 = dict(vocab_size=20, d_model=16, d_kv=6, d_ff=20, num_layers=3, num_heads=3, relative_attention_num_buckets=8, relative_attention_max_distance=6)

# Name: class, configuration, whether gradients are stored.
VARIANTS = {
    "clip": (CLIPTextModel, CLIPTextConfig(**CLIP, eos_token_id=19, bos_token_id=18), True),
    "clip-legacy": (
        CLIPTextModel,
        CLIPTextConfig(**CLIP | dict(hidden_size=12, num_attention_heads=2), eos_token_id=2, bos_token_id=0, hidden_act="gelu", layer_norm_eps=1e-3),
        False,
    ),
    "clip-projection": (CLIPTextModelWithProjection, CLIPTextConfig(**CLIP, eos_token_id=19, bos_token_id=18, hidden_act="gelu"), False),
    "t5-gated": (T5EncoderModel, T5Config(**T5, feed_forward_proj="gated-gelu"), True),
    "t5-relu": (T5EncoderModel, T5Config(**T5 | dict(d_kv=4, num_heads=4, relative_attention_num_buckets=12, relative_attention_max_distance=9), feed_forward_proj="relu"), False),
    "t5-silu": (T5EncoderModel, T5Config(**T5, feed_forward_proj="gated-silu", layer_norm_epsilon=1e-3), False),
}

# The end of the text twice, once, and never; of the last row's largest token the first counts.
CLIP_IDS = torch.tensor([[18, 3, 19, 19, 5, 1, 1], [18, 4, 7, 2, 11, 0, 19], [18, 4, 7, 15, 18, 5, 5]])
# Longer than the farthest distance, so that the last bucket is met.
T5_IDS = torch.tensor([[3, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [9, 4, 11, 12, 2, 5, 6, 6, 8, 17, 19, 1]])
T5_MASK = (torch.arange(12) < torch.tensor([[5], [12]])).long()


def outputs_of(model, inputs: dict) -> dict[str, torch.Tensor]:
    if isinstance(model, T5EncoderModel):
        return {"out": model(**inputs).last_hidden_state}
    result = model(**inputs, output_hidden_states=True)
    hidden = {f"out.hidden_states.{i}": states for i, states in enumerate(result.hidden_states[:-1])}
    if isinstance(model, CLIPTextModelWithProjection):
        return {"out": result.text_embeds, "out.last_hidden_state": result.last_hidden_state, **hidden}
    return {"out": result.last_hidden_state, "out.pooler_output": result.pooler_output, **hidden}


def canonical(model, name: str) -> str:
    return f"text_model.{name}" if type(model) is CLIPTextModel and not name.startswith("text_model.") else name


def write_variant(folder: Path, variant: str) -> None:
    model_class, config, gradients = VARIANTS[variant]
    model = model_class(config).eval()
    model.requires_grad_(gradients)
    names = {canonical(model, name): parameter for name, parameter in model.named_parameters()}
    with torch.no_grad():
        for name, parameter in names.items():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape))))
    inputs = {"input_ids": CLIP_IDS}
    if isinstance(model, T5EncoderModel):
        # All tokens of one variant count: a pipeline that gives no mask.
        inputs = {"input_ids": T5_IDS, "attention_mask": torch.ones_like(T5_MASK) if variant == "t5-relu" else T5_MASK}
    outputs = outputs_of(model, inputs)
    tensors = {f"in.{name}": value for name, value in inputs.items()} | {name: value.detach() for name, value in outputs.items()}
    assert all(value.isfinite().all() and value.abs().max() > 1e-3 for value in outputs.values()), variant
    if gradients:
        target = torch.randn(outputs["out"].shape, generator=torch.Generator().manual_seed(99))
        loss = ((outputs["out"] - target) ** 2).mean()
        loss.backward()
        tensors |= {"target": target, "loss": loss.detach().reshape(1)}
        tensors |= {f"grad.{name}": parameter.grad for name, parameter in names.items()}
    golden = folder / f"{variant}.safetensors"
    save_file({name: value.contiguous() for name, value in tensors.items()}, golden)
    golden.chmod(0o644)
    saved = json.loads(config.to_json_string(use_diff=False)) | {"architectures": [model_class.__name__]}
    description = {"config": saved, "tensors": {name: list(parameter.shape) for name, parameter in sorted(names.items())}}
    (folder / f"{variant}.json").write_text(json.dumps(description) + "\n")
    print(variant, sum(parameter.numel() for parameter in names.values()), {name: tuple(value.shape) for name, value in outputs.items()})


def write_buckets(path: Path) -> None:
    settings = [(32, 128), (8, 6), (12, 9), (32, 100), (64, 256), (10, 37)]
    tables = []
    for buckets, distance in settings:
        positions = torch.arange(-distance - 3, distance + 4)
        table = T5Attention._relative_position_bucket(positions, True, buckets, distance)
        tables.append({"buckets": buckets, "maxDistance": distance, "table": table.tolist()})
    path.write_text(json.dumps(tables) + "\n")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for variant in VARIANTS:
        write_variant(folder, variant)
    write_buckets(folder / "position-buckets.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

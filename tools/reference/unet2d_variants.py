"""Writes packages/testkit/fixtures/unet2d-variants: what diffusers computes for small UNet2DModels of every kind.

    pip install torch diffusers safetensors
    python tools/reference/unet2d_variants.py packages/testkit/fixtures/unet2d-variants

For every variant: NAME.json with the configuration and the shape of every tensor, and NAME.safetensors with inputs and
output. Weights are not stored: both sides compute them from names and indices by `weight` below.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file

SMALL = dict(sample_size=8, in_channels=3, out_channels=3, layers_per_block=1, norm_num_groups=2, block_out_channels=(4, 8))
PLAIN = dict(down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"))
ATTENTION = dict(down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"))
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

VARIANTS = {
    "old-attention-names": dict(SMALL, **ATTENTION, attention_head_dim=4, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1),
    "odd-width": dict(
        SMALL, block_out_channels=(5, 10, 10), norm_num_groups=5, layers_per_block=2, mid_block_type=None, sample_size=(8, 16),
        down_block_types=("UNetResDownBlock2D", "UNetResDownBlock2D", "UNetResAttnDownBlock2D"),
        up_block_types=("UNetResAttnUpBlock2D", "UNetResUpBlock2D", "UNetResUpBlock2D"), attention_head_dim=4,
    ),
    "scale-shift": dict(
        SMALL, down_block_types=("ResnetDownsampleBlock2D",) * 2, up_block_types=("ResnetUpsampleBlock2D",) * 2,
        resnet_time_scale_shift="scale_shift", act_fn="gelu", class_embed_type="timestep", attention_head_dim=2,
    ),
    "resnet-samplers": dict(
        SMALL, down_block_types=("AttnDownBlock2D",) * 2, up_block_types=("AttnUpBlock2D",) * 2, downsample_type="resnet",
        upsample_type="resnet", class_embed_type="identity", act_fn="relu", attn_norm_num_groups=4,
        resnet_time_scale_shift="scale_shift", time_embedding_dim=12, attention_head_dim=3, mid_block_scale_factor=1.5,
    ),
    "learned-time": dict(
        SMALL, **PLAIN, time_embedding_type="learned", num_train_timesteps=20, num_class_embeds=5, add_attention=False,
        act_fn="mish", downsample_padding=0, in_channels=1, out_channels=2,
    ),
    "skip": dict(
        SMALL, block_out_channels=(8, 8, 12), down_block_types=("SkipDownBlock2D",) * 3, up_block_types=("SkipUpBlock2D",) * 3,
        time_embedding_type="fourier", center_input_sample=True, mid_block_scale_factor=math.sqrt(2), norm_num_groups=None,
        attention_head_dim=None, norm_eps=1e-6,
    ),
    "attention-skip": dict(
        SMALL, block_out_channels=(32, 32), down_block_types=("SkipDownBlock2D", "AttnSkipDownBlock2D"),
        up_block_types=("AttnSkipUpBlock2D", "SkipUpBlock2D"), attention_head_dim=16, num_class_embeds=3,
    ),
    "k": dict(
        SMALL, block_out_channels=(32, 64), down_block_types=("KDownBlock2D",) * 2, up_block_types=("KUpBlock2D",) * 2,
        layers_per_block=2, act_fn="swish", norm_num_groups=16, time_embedding_type="fourier",
    ),
}


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of a 32-bit linear congruential generator started by the FNV-1a hash of the name, scaled by the fan-in."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    size = math.prod(shape)
    values = np.empty(size, np.float64)
    for i in range(size):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        values[i] = (state >> 8) / 2**23 - 1
    if len(shape) > 1:
        values *= math.sqrt(3 / math.prod(shape[1:]))
    elif name.endswith("weight"):
        values = 1 + 0.2 * values
    else:
        values *= 0.1
    return values.astype(np.float32).reshape(shape)


def stored_name(variant: str, name: str) -> str:
    if variant == "old-attention-names":
        for new, old in OLD_NAMES.items():
            name = name.replace(f".{new}.", f".{old}.")
    return name


def inputs_of(config: dict, width: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    size = config["sample_size"]
    height, length = size if isinstance(size, tuple) else (size, size)
    inputs = {"sample": torch.randn(2, config["in_channels"], height, length, generator=generator)}
    if config.get("time_embedding_type") == "fourier":
        inputs["timestep"] = torch.tensor([0.7, 31.5])
    else:
        inputs["timestep"] = torch.tensor([3, 19] if config.get("num_train_timesteps") else [3, 500])
    if config.get("class_embed_type") == "identity":
        inputs["class_labels"] = torch.randn(2, width, generator=generator)
    elif config.get("class_embed_type") or config.get("num_class_embeds"):
        inputs["class_labels"] = torch.tensor([2, 1])
    return inputs


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for variant, config in VARIANTS.items():
        model = UNet2DModel(**config).eval()
        state = {name: torch.from_numpy(weight(stored_name(variant, name), tuple(t.shape))) for name, t in model.state_dict().items()}
        model.load_state_dict(state)
        inputs = inputs_of(config, model.time_embedding.linear_2.out_features)
        with torch.no_grad():
            out = model(inputs["sample"], inputs["timestep"], inputs.get("class_labels")).sample
        assert out.isfinite().all() and out.abs().max() > 1e-3, variant
        golden = folder / f"{variant}.safetensors"
        save_file({"out": out.contiguous(), **{f"in.{k}": v for k, v in inputs.items()}}, golden)
        golden.chmod(0o644)
        saved = {key: value for key, value in model.config.items() if not key.startswith("_")}
        description = {
            "config": {"_class_name": "UNet2DModel", **saved},
            "tensors": {stored_name(variant, name): list(t.shape) for name, t in sorted(state.items())},
        }
        (folder / f"{variant}.json").write_text(json.dumps(description) + "\n")
        print(variant, sum(t.numel() for t in state.values()), tuple(out.shape), float(out.abs().max()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Writes packages/testkit/fixtures/unet2d-condition-variants: what diffusers computes for small UNet2DConditionModels.

    pip install torch diffusers safetensors
    python tools/reference/unet2d_condition_variants.py packages/testkit/fixtures/unet2d-condition-variants

Files and weights as in unet2d_variants.py.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from unet2d_variants import weight

SMALL = dict(
    sample_size=8, norm_num_groups=2, cross_attention_dim=6, layers_per_block=2, block_out_channels=(4, 8, 8), attention_head_dim=(1, 2, 4)
)
ATTENTION = dict(down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3)
MIDDLE = dict(
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
)
UNEVEN = dict(
    layers_per_block=1, block_out_channels=(4, 4, 8, 8), attention_head_dim=(1, 1, 2, 4),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
)

VARIANTS = {
    "asymmetric": dict(
        SMALL, use_linear_projection=True, mid_block_type="UNetMidBlock2D", up_block_types=ATTENTION["up_block_types"],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        transformer_layers_per_block=[0, [2, 1], [2, 3]], reverse_transformer_layers_per_block=[[1, 2, 3], [2, 1, 1], 1],
    ),
    "no-middle": dict(
        SMALL, **ATTENTION, mid_block_type=None, only_cross_attention=(True, False, True), resnet_time_scale_shift="scale_shift",
        class_embed_type="projection", projection_class_embeddings_input_dim=5, act_fn="gelu", conv_in_kernel=1, time_embedding_dim=10,
    ) | dict(layers_per_block=(1, 2, 1)),
    "upscaler": dict(
        SMALL, **MIDDLE, in_channels=7, num_class_embeds=9, only_cross_attention=True, center_input_sample=True,
        mid_block_scale_factor=1.5, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, upcast_attention=True,
    ),
    "guided": dict(SMALL, **MIDDLE, time_cond_proj_dim=6),
    # Sizes that do not halve evenly: 11 x 18, 6 x 9, 3 x 5, 2 x 3, and rounded down without padding.
    "uneven-size": SMALL | UNEVEN | dict(sample_size=(11, 18)),
    "uneven-size-unpadded": SMALL | UNEVEN | dict(sample_size=(11, 18), downsample_padding=0),
}


def inputs_of(config: dict) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    size = config["sample_size"]
    height, width = size if isinstance(size, tuple) else (size, size)
    inputs = {
        "sample": torch.randn(2, config.get("in_channels", 4), height, width, generator=generator),
        "timestep": torch.tensor([3, 500]),
        "encoder_hidden_states": torch.randn(2, 5, config["cross_attention_dim"], generator=generator),
    }
    if config.get("time_cond_proj_dim"):
        inputs["timestep_cond"] = torch.randn(2, config["time_cond_proj_dim"], generator=generator)
    if config.get("class_embed_type") == "projection":
        inputs["class_labels"] = torch.randn(2, config["projection_class_embeddings_input_dim"], generator=generator)
    elif config.get("num_class_embeds"):
        inputs["class_labels"] = torch.tensor([2, 8])
    return inputs


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for variant, config in VARIANTS.items():
        model = UNet2DConditionModel(**config).eval()
        model.load_state_dict({name: torch.from_numpy(weight(name, tuple(t.shape))) for name, t in model.state_dict().items()})
        inputs = inputs_of(config)
        with torch.no_grad():
            out = model(**inputs).sample
        assert out.isfinite().all() and out.abs().max() > 1e-3, variant
        golden = folder / f"{variant}.safetensors"
        save_file({"out": out.contiguous(), **{f"in.{k}": v for k, v in inputs.items()}}, golden)
        golden.chmod(0o644)
        saved = {key: value for key, value in model.config.items() if not key.startswith("_")}
        shapes = {name: list(t.shape) for name, t in sorted(model.state_dict().items())}
        description = {"config": {"_class_name": "UNet2DConditionModel", **saved}, "tensors": shapes}
        (folder / f"{variant}.json").write_text(json.dumps(description) + "\n")
        print(variant, tuple(out.shape), float(out.abs().max()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

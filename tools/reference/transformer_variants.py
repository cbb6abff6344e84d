"""Writes packages/testkit/fixtures/transformer-variants: what diffusers computes for small transformers of every kind.

    pip install torch diffusers safetensors
    python tools/reference/transformer_variants.py packages/testkit/fixtures/transformer-variants [CLASS…]

Files and weights as in unet2d_variants.py; the file's names begin with the class: `dit-`, `sd3-`, `pixart-`, `flux-`.
"""

import json
import sys
from pathlib import Path

import diffusers
import torch
from safetensors.torch import save_file
from unet2d_variants import weight

torch.set_num_threads(1)

DIT = dict(
    num_attention_heads=2, attention_head_dim=4, in_channels=3, out_channels=6, num_layers=2, norm_num_groups=2, sample_size=8,
    num_embeds_ada_norm=5,
)
SD3 = dict(
    sample_size=8, in_channels=3, num_layers=3, attention_head_dim=4, num_attention_heads=2, joint_attention_dim=5,
    caption_projection_dim=8, pooled_projection_dim=6, out_channels=3, pos_embed_max_size=7,
)
PIXART = dict(
    num_attention_heads=3, attention_head_dim=4, in_channels=3, out_channels=6, num_layers=2, norm_num_groups=2, sample_size=8,
    cross_attention_dim=12, caption_channels=5,
)
FLUX = dict(
    in_channels=5, num_layers=2, num_single_layers=2, attention_head_dim=8, num_attention_heads=2, joint_attention_dim=6,
    pooled_projection_dim=4, axes_dims_rope=(2, 2, 4),
)
VARIANTS = {
    "dit": {
        "larger": (dict(DIT, activation_fn="geglu", norm_elementwise_affine=True, norm_eps=0.01), (12, 12)),
        "patches-of-4": (dict(DIT, patch_size=4, sample_size=11, attention_bias=False, activation_fn="gelu"), (10, 10)),
        "pixels": (dict(DIT, patch_size=1, out_channels=None, num_layers=1, activation_fn="swiglu", sample_size=6), (4, 4)),
        "three-heads": (dict(DIT, num_attention_heads=3, activation_fn="geglu-approximate", attention_head_dim=8), (8, 8)),
        "linear-silu": (dict(DIT, activation_fn="linear-silu", num_layers=3), (4, 4)),
    },
    "sd3": {
        "large": (dict(SD3, qk_norm="rms_norm", out_channels=None), (12, 6)),
        "medium": (dict(SD3, qk_norm="rms_norm", dual_attention_layers=(0, 2)), (7, 11)),
        "computed": (dict(SD3, pos_embed_max_size=None, patch_size=1, in_channels=2, num_layers=2), (4, 6)),
        "layer-norm": (dict(SD3, qk_norm="layer_norm", num_layers=1, out_channels=5, patch_size=4, sample_size=16), (16, 12)),
        "plain-norm": (dict(SD3, qk_norm="fp32_layer_norm", num_attention_heads=3, caption_projection_dim=12), (8, 8)),
    },
    "pixart": {
        "alpha": (dict(PIXART, use_additional_conditions=True), (8, 8)),
        "sigma": (dict(PIXART, interpolation_scale=2, norm_elementwise_affine=True, norm_eps=0.01), (12, 6)),
        "large": (dict(PIXART, sample_size=128, patch_size=16, attention_bias=False, out_channels=None), (48, 64)),
        "self": (dict(PIXART, cross_attention_dim=None, caption_channels=None, activation_fn="geglu"), (4, 10)),
        "plain-text": (dict(PIXART, caption_channels=None, cross_attention_dim=7, patch_size=1, num_layers=1), (3, 5)),
    },
    "flux": {
        "dev": (dict(FLUX, guidance_embeds=True, out_channels=3), (3, 4)),
        "schnell": (dict(FLUX, patch_size=2, attention_head_dim=16, axes_dims_rope=(4, 6, 6), num_layers=1), (2, 5)),
        "double": (dict(FLUX, num_single_layers=0, num_attention_heads=3), (4, 4)),
        "single": (dict(FLUX, num_layers=0, axes_dims_rope=(4, 4)), (2, 2)),
    },
}
CLASSES = {
    "dit": "DiTTransformer2DModel", "sd3": "SD3Transformer2DModel", "pixart": "PixArtTransformer2DModel",
    "flux": "FluxTransformer2DModel",
}
TOKENS = 5


def inputs_of(kind: str, config: dict, size: tuple) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    randn = lambda *shape: torch.randn(*shape, generator=generator)
    if kind == "flux":
        axes = len(config["axes_dims_rope"])
        rows, columns = torch.meshgrid(*map(torch.arange, size), indexing="ij")
        ids = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)[:, 3 - axes :].float()
        inputs = {
            "hidden_states": randn(2, len(ids), config["in_channels"]),
            "encoder_hidden_states": randn(2, TOKENS, config["joint_attention_dim"]),
            "pooled_projections": randn(2, config["pooled_projection_dim"]),
            "timestep": torch.tensor([0.25, 0.75]),
            "img_ids": ids,
            "txt_ids": torch.zeros(TOKENS, axes),
        }
        return inputs | ({"guidance": torch.tensor([3.5, 1.0])} if config.get("guidance_embeds") else {})
    inputs = {"hidden_states": randn(2, config["in_channels"], *size)}
    if kind == "sd3":
        return inputs | {
            "encoder_hidden_states": randn(2, TOKENS, config["joint_attention_dim"]),
            "pooled_projections": randn(2, config["pooled_projection_dim"]),
            "timestep": torch.tensor([3.0, 500.0]),
        }
    if kind == "pixart":
        inputs["timestep"] = torch.tensor([3, 500])
        text = config["caption_channels"] or config["cross_attention_dim"]
        if text:
            inputs["encoder_hidden_states"] = randn(2, TOKENS, text)
        if config.get("use_additional_conditions") or config["sample_size"] == 128:
            inputs |= {"resolution": torch.tensor([[512.0, 384.0], [64.0, 64.0]]), "aspect_ratio": torch.tensor([[0.75], [1.0]])}
        return inputs
    if kind == "dit":
        return inputs | {"timestep": torch.tensor([3, 500]), "class_labels": torch.tensor([2, config["num_embeds_ada_norm"]])}
    raise ValueError(kind)


def run(model, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    rest = dict(inputs)
    added = {name: rest.pop(name) for name in ("resolution", "aspect_ratio") if name in rest}
    return model(**rest, **({"added_cond_kwargs": added} if added else {})).sample


def make(folder: Path, kind: str, variant: str, config: dict, size: tuple) -> None:
    model = getattr(diffusers, CLASSES[kind])(**config).eval()
    model.load_state_dict({name: torch.from_numpy(weight(name, tuple(t.shape))) for name, t in model.state_dict().items()})
    inputs = inputs_of(kind, config, size)
    with torch.no_grad():
        out = run(model, inputs)
    assert out.isfinite().all() and out.abs().max() > 1e-3, variant
    golden = folder / f"{kind}-{variant}.safetensors"
    save_file({"out": out.contiguous(), **{f"in.{k}": v for k, v in inputs.items()}}, golden)
    golden.chmod(0o644)
    saved = {key: value for key, value in model.config.items() if not key.startswith("_")}
    shapes = {name: list(t.shape) for name, t in sorted(model.state_dict().items())}
    description = {"config": {"_class_name": CLASSES[kind], **saved}, "tensors": shapes}
    (folder / f"{kind}-{variant}.json").write_text(json.dumps(description) + "\n")
    print(kind, variant, sum(p.numel() for p in model.parameters()), tuple(out.shape), float(out.abs().max()))


def main(folder: Path, kinds: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds or VARIANTS:
        for variant, (config, size) in VARIANTS[kind].items():
            make(folder, kind, variant, config, size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

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
VARIANTS = {
    "dit": {
        "larger": (dict(DIT, activation_fn="geglu", norm_elementwise_affine=True, norm_eps=0.01), (12, 12)),
        "patches-of-4": (dict(DIT, patch_size=4, sample_size=11, attention_bias=False, activation_fn="gelu"), (10, 10)),
        "pixels": (dict(DIT, patch_size=1, out_channels=None, num_layers=1, activation_fn="swiglu", sample_size=6), (4, 4)),
        "three-heads": (dict(DIT, num_attention_heads=3, activation_fn="geglu-approximate", attention_head_dim=8), (8, 8)),
        "linear-silu": (dict(DIT, activation_fn="linear-silu", num_layers=3), (4, 4)),
    },
}
CLASSES = {"dit": "DiTTransformer2DModel"}


def inputs_of(kind: str, config: dict, size: tuple) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    randn = lambda *shape: torch.randn(*shape, generator=generator)
    inputs = {"hidden_states": randn(2, config["in_channels"], *size)}
    if kind == "dit":
        return inputs | {"timestep": torch.tensor([3, 500]), "class_labels": torch.tensor([2, config["num_embeds_ada_norm"]])}
    raise ValueError(kind)


def make(folder: Path, kind: str, variant: str, config: dict, size: tuple) -> None:
    model = getattr(diffusers, CLASSES[kind])(**config).eval()
    model.load_state_dict({name: torch.from_numpy(weight(name, tuple(t.shape))) for name, t in model.state_dict().items()})
    inputs = inputs_of(kind, config, size)
    with torch.no_grad():
        out = model(**inputs).sample
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

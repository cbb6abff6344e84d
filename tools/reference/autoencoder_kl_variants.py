"""Writes packages/testkit/fixtures/autoencoder-kl-variants: what diffusers computes for small AutoencoderKLs; and the golden
file of the fixture's encoder, whose weights lie beside it.

    pip install torch diffusers safetensors
    python tools/reference/autoencoder_kl_variants.py packages/testkit/fixtures

Files and weights as in unet2d_variants.py; `moments` is what the encoder makes of `in.sample`.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from unet2d_variants import OLD_NAMES, weight

SMALL = dict(block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=2)
THREE = dict(SMALL, block_out_channels=(4, 8, 8), down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3)

# Name: configuration, size of the sample, size of the latent.
VARIANTS = {
    "sixteen-latents": (
        dict(THREE, layers_per_block=2, latent_channels=16, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1, scaling_factor=1.5),
        (12, 8), (3, 2),
    ),
    "no-attention": (dict(THREE, mid_block_add_attention=False, act_fn="gelu", in_channels=1, out_channels=2, latent_channels=3), (9, 14), (2, 3)),
    "old-attention-names": (dict(SMALL, use_post_quant_conv=False, sample_size=16), (7, 6), (3, 4)),
    "attention-blocks": (
        dict(
            SMALL, down_block_types=("AttnDownEncoderBlock2D", "DownEncoderBlock2D"), use_quant_conv=False, act_fn="relu",
            up_block_types=("UpDecoderBlock2D", "AttnUpDecoderBlock2D"),
        ),
        (8, 8), (4, 4),
    ),
}


def stored_name(variant: str, name: str) -> str:
    if variant == "old-attention-names":
        for new, old in OLD_NAMES.items():
            name = name.replace(f".{new}.", f".{old}.")
    return name


def write_variants(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for variant, (config, sample_size, latent_size) in VARIANTS.items():
        model = AutoencoderKL(**config).eval()
        state = {name: torch.from_numpy(weight(stored_name(variant, name), tuple(t.shape))) for name, t in model.state_dict().items()}
        model.load_state_dict(state)
        generator = torch.Generator().manual_seed(7)
        sample = torch.randn(2, model.config.in_channels, *sample_size, generator=generator)
        latent = torch.randn(2, model.config.latent_channels, *latent_size, generator=generator)
        with torch.no_grad():
            tensors = {"in.sample": sample, "in.latent": latent, "out": model.decode(latent).sample, "moments": model.encode(sample).latent_dist.parameters}
        assert all(t.isfinite().all() and t.abs().max() > 1e-3 for t in tensors.values()), variant
        golden = folder / f"{variant}.safetensors"
        save_file({name: t.contiguous() for name, t in tensors.items()}, golden)
        golden.chmod(0o644)
        saved = {key: value for key, value in model.config.items() if not key.startswith("_")}
        description = {
            "config": {"_class_name": "AutoencoderKL", **saved},
            "tensors": {stored_name(variant, name): list(t.shape) for name, t in sorted(state.items())},
        }
        (folder / f"{variant}.json").write_text(json.dumps(description) + "\n")
        print(variant, sum(t.numel() for t in state.values()), tuple(tensors["out"].shape), tuple(tensors["moments"].shape))


def write_encoder_golden(folder: Path) -> None:
    """`in.sample`, `out` (the moments), `target`, `loss`, and `grad.<parameter>` of all that the encoder has."""
    model = AutoencoderKL.from_pretrained(folder).eval()
    sample = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(7))
    out = model.encode(sample).latent_dist.parameters
    target = torch.randn(out.shape, generator=torch.Generator().manual_seed(99))
    loss = ((out - target) ** 2).mean()
    loss.backward()
    tensors = {"in.sample": sample, "out": out.detach(), "target": target, "loss": loss.detach().reshape(1)}
    tensors |= {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    golden = folder / "encoder-golden.safetensors"
    save_file({name: t.contiguous() for name, t in tensors.items()}, golden)
    golden.chmod(0o644)
    print("encoder", len(tensors), tuple(out.shape))


def main(fixtures: Path) -> None:
    torch.set_num_threads(1)
    write_variants(fixtures / "autoencoder-kl-variants")
    write_encoder_golden(fixtures / "autoencoder-kl")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

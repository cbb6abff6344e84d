"""Writes packages/testkit/fixtures/{sd3,pixart,flux}: small transformers with outputs and gradients from PyTorch.

    pip install torch diffusers safetensors
    python tools/reference/transformer_fixtures.py packages/testkit/fixtures [CLASS…]

Every folder is a checkpoint with random weights and a golden.safetensors with `in.<input>`, `out`, `target`, `loss` (mean
squared error) and `grad.<parameter>`.
"""

import sys
from pathlib import Path

import diffusers
import torch
from safetensors.torch import save_file
from transformer_variants import CLASSES, FLUX, PIXART, SD3, inputs_of, run

FIXTURES = {
    "sd3": (dict(SD3, num_layers=2, attention_head_dim=8, caption_projection_dim=16, pos_embed_max_size=6), (8, 8)),
    "pixart": (dict(PIXART, attention_head_dim=8, cross_attention_dim=24, use_additional_conditions=True), (8, 8)),
    "flux": (dict(FLUX, num_layers=1, num_single_layers=2, guidance_embeds=True), (4, 3)),
}


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim == 1:
                p.copy_(1 + 0.2 * noise if name.endswith("weight") else 0.1 * noise)
            else:
                p.copy_(noise * p[0].numel() ** -0.5)
    return model.eval()


def make(folder: Path, kind: str) -> None:
    config, size = FIXTURES[kind]
    model = randomize(getattr(diffusers, CLASSES[kind])(**config), 3)
    model.save_config(folder)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    inputs = inputs_of(kind, config, size)
    out = run(model, inputs)
    target = torch.randn(out.shape, generator=torch.Generator().manual_seed(99))
    loss = ((out - target) ** 2).mean()
    loss.backward()
    golden = {f"in.{k}": v for k, v in inputs.items()} | {"out": out.detach(), "target": target, "loss": loss.detach().reshape(1)}
    for name, p in model.named_parameters():
        golden[f"grad.{name}"] = torch.zeros_like(p) if p.grad is None else p.grad
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    for file in folder.iterdir():
        file.chmod(0o644)
    print(kind, sum(p.numel() for p in model.parameters()), tuple(out.shape))


if __name__ == "__main__":
    for kind in sys.argv[2:] or FIXTURES:
        (folder := Path(sys.argv[1]) / kind).mkdir(parents=True, exist_ok=True)
        make(folder, kind)

"""Trains a UNet2DModel for some steps in PyTorch: what packages/train must follow.

    python tools/reference/train_steps.py tiny packages/testkit/fixtures/train-tiny IMAGES
    python tools/reference/train_steps.py zoo OUT IMAGES [--steps 200] [--batch 8]

IMAGES is t10k-images-idx3-ubyte.gz. `tiny` makes the fixture of the tests: a narrow model on 16x16 crops. `zoo` is the
architecture of fashion-ddpm-32, from scratch. Initial weights are computed from names (`weight` of unet2d_variants.py);
order of images, noise and timesteps come from one torch generator, drawn as `train()` of @secateur/train draws them: at the
start of an epoch `randperm`, then for every batch `randn` and `randint`.

Writes settings.json, config.json, and for both optimisers losses and final weights: sgd.safetensors, adamw.safetensors.
`zero-gradient` in settings.json lists tensors whose true gradient is zero at every step (a key's bias before a softmax): the
gradients computed for them are rounding noise, which AdamW scales up to steps of full size.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DModel
from safetensors.torch import save_file
from unet2d_variants import weight

TINY = dict(
    sample_size=16, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=4, block_out_channels=(8, 16),
    down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=8,
)
ZOO = dict(
    sample_size=32, in_channels=1, out_channels=1, layers_per_block=2, norm_num_groups=8, block_out_channels=(32, 64, 128),
    down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"), attention_head_dim=32,
)
OPTIMIZERS = {
    "sgd": dict(learningRate=0.02, momentum=0.9, nesterov=True),
    "adamw": dict(learningRate=4e-4, beta1=0.9, beta2=0.99, weightDecay=0.01),
}
SEED = 5
CLIP = 1.0


def images_from(path, count, size):
    """Pictures as the zoo's model takes them, the middle `size` x `size` of 32 x 32."""
    pixels = np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count]
    values = torch.nn.functional.pad(torch.from_numpy(pixels.copy()).float() / 127.5 - 1, (2, 2, 2, 2), value=-1.0)
    edge = (32 - size) // 2
    return values[:, :, edge : 32 - edge, edge : 32 - edge].contiguous()


def optimizer_for(name, parameters):
    options = OPTIMIZERS[name]
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=options["learningRate"], momentum=options["momentum"], nesterov=options["nesterov"])
    betas = (options["beta1"], options["beta2"])
    return torch.optim.AdamW(parameters, lr=options["learningRate"], betas=betas, weight_decay=options["weightDecay"])


def train(config, images, optimizer_name, steps, batch):
    model = UNet2DModel(**config).train()
    state = model.state_dict()
    model.load_state_dict({name: torch.from_numpy(weight(name, tuple(t.shape))) for name, t in state.items()})
    optimizer = optimizer_for(optimizer_name, model.parameters())
    scheduler = DDPMScheduler()
    generator = torch.Generator().manual_seed(SEED)
    order, position = torch.empty(0, dtype=torch.long), 0
    losses, largest = [], {name: 0.0 for name, _ in model.named_parameters()}
    for step in range(steps):
        if position + batch > len(order):
            order, position = torch.randperm(len(images), generator=generator), 0
        clean = images[order[position : position + batch]]
        position += batch
        noise = torch.randn(clean.shape, generator=generator)
        timesteps = torch.randint(0, 1000, (batch,), generator=generator)
        prediction = model(scheduler.add_noise(clean, noise, timesteps), timesteps).sample
        loss = torch.nn.functional.mse_loss(prediction, noise)
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in model.named_parameters():
            largest[name] = max(largest[name], parameter.grad.abs().max().item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
        if step % 20 == 0:
            print(optimizer_name, step, losses[-1], flush=True)
    peak = max(largest.values())
    zero = [name for name, value in largest.items() if value < 1e-6 * peak]
    return {name: t.detach().contiguous() for name, t in model.state_dict().items()}, losses, zero


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=["tiny", "zoo"])
    parser.add_argument("out", type=Path)
    parser.add_argument("images")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--optimizers", default="sgd,adamw")
    parser.add_argument("--sgd-rate", type=float, default=OPTIMIZERS["sgd"]["learningRate"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = TINY if options.variant == "tiny" else ZOO
    steps = options.steps or (40 if options.variant == "tiny" else 200)
    count = 64 if options.variant == "tiny" else 1000
    images = images_from(options.images, count, config["sample_size"])
    options.out.mkdir(parents=True, exist_ok=True)
    settings = {"steps": steps, "batch": options.batch, "images": count, "seed": SEED, "clip": CLIP, "optimizers": OPTIMIZERS}
    OPTIMIZERS["sgd"]["learningRate"] = options.sgd_rate
    for name in options.optimizers.split(","):
        started = time.perf_counter()
        weights, losses, zero = train(config, images, name, steps, options.batch)
        print(name, f"{time.perf_counter() - started:.0f} s", "zero gradients:", zero)
        path = options.out / f"{name}.safetensors"
        save_file({**weights, "losses": torch.tensor(losses, dtype=torch.float64)}, path)
        path.chmod(0o644)
        settings["zero-gradient"] = zero
    settings["torch"] = torch.__version__
    (options.out / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    saved = {key: value for key, value in UNet2DModel(**config).config.items() if not key.startswith("_")}
    (options.out / "config.json").write_text(json.dumps({"_class_name": "UNet2DModel", **saved}) + "\n")


if __name__ == "__main__":
    main()

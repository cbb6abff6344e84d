"""Times steps of training in PyTorch and diffusers: forward, backward, clipping, AdamW, EMA.

    python tools/reference/train_step_time.py CONFIG [--batch 32] [--steps 5] [--threads 2] [--clock wall|cpu]

CONFIG is the `config.json` of a `UNet2DModel`; weights, images and noise are random. Prints JSON: seconds of every step, after
two that are not counted.
"""

import argparse
import json
import time

import diffusers
import torch
from diffusers.training_utils import EMAModel
from torch.nn import functional as F


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()

    now = time.process_time if options.clock == "cpu" else time.perf_counter
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with open(options.config) as file:
        model = diffusers.UNet2DModel.from_config(json.load(file)).train()
    scheduler = diffusers.DDPMScheduler()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    average = EMAModel(model.parameters(), decay=0.999, use_ema_warmup=True)
    shape = (options.batch, model.config.in_channels, model.config.sample_size, model.config.sample_size)
    images = torch.rand(shape) * 2 - 1
    seconds = []
    for _ in range(options.steps + 2):
        started = now()
        noise = torch.randn(shape)
        timesteps = torch.randint(0, 1000, (options.batch,))
        loss = F.mse_loss(model(scheduler.add_noise(images, noise, timesteps), timesteps).sample, noise)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.step(model.parameters())
        seconds.append(now() - started)
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
    print(json.dumps({"seconds": seconds[2:], "threads": torch.get_num_threads(), "versions": versions}))


if __name__ == "__main__":
    main()

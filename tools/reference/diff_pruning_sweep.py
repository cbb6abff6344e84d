"""Times Diff-Pruning's sweep in PyTorch: the loss at every timestep, ascending, its gradients summed in `.grad`.

    python tools/reference/diff_pruning_sweep.py CONFIG [--timesteps 100] [--batch 8] [--threads 2] [--seed 0]

CONFIG is the `config.json` of a `UNet2DModel`; weights are random, the model is in eval mode, and one batch of images and
one draw of noise serve all timesteps. Prints JSON: seconds of the sweep, without set-up and one warm-up step.
"""

import argparse
import json
import time

import diffusers
import torch
from torch.nn import functional as F


def sweep(model, scheduler, images, noise, timesteps):
    """Adds the gradients of the mean squared error at every timestep; returns the losses."""
    losses = []
    for timestep in timesteps:
        at = torch.full((images.shape[0],), timestep, dtype=torch.long)
        loss = F.mse_loss(model(scheduler.add_noise(images, noise, at), at).sample, noise)
        loss.backward()
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--timesteps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    with open(options.config) as file:
        model = diffusers.UNet2DModel.from_config(json.load(file)).eval()
    scheduler = diffusers.DDPMScheduler()
    shape = (options.batch, model.config.in_channels, model.config.sample_size, model.config.sample_size)
    images, noise = torch.rand(shape) * 2 - 1, torch.randn(shape)

    sweep(model, scheduler, images, noise, [0])
    model.zero_grad(set_to_none=False)
    started = time.perf_counter()
    losses = sweep(model, scheduler, images, noise, range(options.timesteps))
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "seconds": seconds,
                "timesteps": options.timesteps,
                "batch": options.batch,
                "threads": torch.get_num_threads(),
                "firstLoss": losses[0],
                "lastLoss": losses[-1],
                "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()

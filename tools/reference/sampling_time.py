"""Times drawing pictures in PyTorch and diffusers: DDIM without noise of its own, batch by batch.

    python tools/reference/sampling_time.py UNET [--images 64] [--steps 50] [--batch 32] [--threads 2] [--clock wall|cpu]

UNET is the folder of a `UNet2DModel`. Prints JSON: seconds for all pictures, after one step that is not counted.
"""

import argparse
import json
import time

import diffusers
import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unet")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    options = parser.parse_args()

    now = time.process_time if options.clock == "cpu" else time.perf_counter
    torch.set_num_threads(options.threads)
    model = diffusers.UNet2DModel.from_pretrained(options.unet).eval()
    pipeline = diffusers.DDIMPipeline(unet=model, scheduler=diffusers.DDIMScheduler())
    pipeline.set_progress_bar_config(disable=True)

    def draw(count, steps):
        generator = torch.Generator().manual_seed(0)
        pipeline(batch_size=count, num_inference_steps=steps, eta=0.0, generator=generator, output_type="np")

    draw(min(options.batch, options.images), 1)
    started = now()
    left = options.images
    while left > 0:
        count = min(options.batch, left)
        draw(count, options.steps)
        left -= count
    seconds = now() - started
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
    print(json.dumps({"seconds": seconds, "threads": torch.get_num_threads(), "versions": versions}))


if __name__ == "__main__":
    main()

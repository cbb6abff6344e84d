"""Whether a folder that Secateur wrote loads in Python and gives Secateur's numbers.

    python tools/reference/check_loads.py FOLDER [FOLDER…]

Each FOLDER has a FOLDER.golden.safetensors beside it (check-loads.mjs writes it) with `in.<input>` and Secateur's `out`, and
further outputs as `out.<name>`. A folder with `load_secateur.py` is loaded by it, any other by stock diffusers' `from_pretrained`, a pipeline also as a
whole. A `model.onnx` is checked and run as well: by onnxruntime if installed, else by onnx's own evaluator, which is slow.
Prints relative errors, max|a - b| / max|b|; exits with 1 when one is above 1e-4.
"""

import importlib.util
import json
import sys
from pathlib import Path

import diffusers
import torch
import transformers
from safetensors.torch import load_file

LIMIT = 1e-4


def load_by_script(folder):
    spec = importlib.util.spec_from_file_location("load_secateur", folder / "load_secateur.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def model_folder(folder):
    """The folder of the model itself: a pipeline has it below."""
    if (folder / "config.json").exists():
        return folder
    return next(folder / name for name in ("unet", "transformer", "prior") if (folder / name / "config.json").exists())


def load_stock(folder):
    path = model_folder(folder)
    config = json.loads((path / "config.json").read_text())
    library, name = (transformers, config["architectures"][0]) if "architectures" in config else (diffusers, config["_class_name"])
    model, info = getattr(library, name).from_pretrained(path, output_loading_info=True)
    left = {key: value for key, value in info.items() if value}
    if left:
        raise SystemExit(f"{folder.name}: from_pretrained reports {left}")
    if (folder / "model_index.json").exists():
        model = getattr(diffusers.DiffusionPipeline.from_pretrained(folder), path.name)
    return model.eval()


def inputs_of(golden):
    return {name.removeprefix("in."): value for name, value in golden.items() if name.startswith("in.")}


def run_autoencoder(model, inputs):
    return {"out": model.decode(inputs["latent"]).sample, "out.moments": model.encode(inputs["sample"]).latent_dist.parameters}


def run_text(model, inputs):
    result = model(**inputs, output_hidden_states=True)
    outputs = {f"out.hidden_states.{i}": states for i, states in enumerate(result.hidden_states[:-1])}
    if "text_embeds" in result:
        return outputs | {"out": result.text_embeds, "out.last_hidden_state": result.last_hidden_state}
    if "pooler_output" in result:
        return outputs | {"out": result.last_hidden_state, "out.pooler_output": result.pooler_output}
    return {"out": result.last_hidden_state}


# Outputs by name, of classes that are more than one function of all inputs.
RUNS = {"AutoencoderKL": run_autoencoder}
RUNS |= {name: run_text for name in ("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel")}
ADDED = ("text_embeds", "time_ids", "resolution", "aspect_ratio")


def run_torch(model, golden):
    inputs = inputs_of(golden)
    added = {name: inputs.pop(name) for name in ADDED if name in inputs}
    with torch.no_grad():
        run = RUNS.get(type(model).__name__, lambda model, inputs: {"out": model(**inputs).sample})
        return run(model, inputs | ({"added_cond_kwargs": added} if added else {}))


def run_onnx(path, golden):
    feeds = {name: value.numpy() for name, value in inputs_of(golden).items()}
    try:
        import onnxruntime

        out = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feeds)
    except ImportError:
        import onnx
        from onnx.reference import ReferenceEvaluator

        onnx.checker.check_model(str(path), full_check=True)
        out = ReferenceEvaluator(str(path)).run(None, feeds)
    return {"out": torch.from_numpy(out[0])}


def main():
    worst = 0.0
    for folder in map(Path, sys.argv[1:]):
        golden = load_file(f"{folder.resolve()}.golden.safetensors")
        runs = {}
        if (folder / "load_secateur.py").exists():
            runs["load_secateur.py"] = lambda: run_torch(load_by_script(folder), golden)
        elif (folder / "config.json").exists() or (folder / "model_index.json").exists():
            runs["stock diffusers"] = lambda: run_torch(load_stock(folder), golden)
        if (folder / "model.onnx").exists():
            runs["model.onnx"] = lambda: run_onnx(folder / "model.onnx", golden)
        if not runs:
            raise SystemExit(f"{folder} holds nothing to load.")
        for name, run in runs.items():
            for output, value in run().items():
                wanted = golden[output]
                error = ((value - wanted).abs().max() / wanted.abs().max()).item()
                print(f"{folder.name}, {name}, {output}: relative error {error:.1e}", flush=True)
                # A NaN is an error too, and no comparison with it holds.
                worst = max(worst, error if error == error else float("inf"))
    sys.exit(0 if worst <= LIMIT else 1)


if __name__ == "__main__":
    main()

import type { ModelClass } from '../model-class.js';

/**
 * A Python script that rebuilds a pruned model in its stock library: the class as configured, its layers replaced by ones
 * of the weights' widths, then what the class' own part says. It reads JSON and safetensors only.
 *
 * The class' part ({@link ModelClass.loadScript}) defines two functions:
 * - `pass_by(model, put, path)` replaces a removed module by what lets its input past; `put(path, module)` does the
 *   replacing, and `Zero()` and `nn.Identity()` are at hand
 * - `adapt(model, notes)` runs once layers have their widths, before weights are loaded: attention with the heads and
 *   scale of `notes`, attributes that say widths
 *
 * and may define more: `rename(state)` gives old tensors their new names; `fit(model, state, notes)` gives tensors and notes
 * the names that the installed version of the library has; `prepare(model, state)` takes out of `state`
 * what the library does not keep, such as cut tables of positions, before layers get their widths; `finish(model, notes)`
 * runs at the end, to take out what had to keep its number until then
 *
 * @param prefix  folder of the model beside the script: `''`, or `unet/`
 */
export function loadScript({ library, loadScript: own }: ModelClass, prefix: string): string {
  // Quoted: the folder's name comes from a model's files, and must stay text.
  const folder = JSON.stringify(prefix.replace(/\/$/, ''));
  const parts: Readonly<Record<string, string>> = {
    LIBRARY: library,
    WEIGHTS: `${weightsNames[library]}.safetensors`,
    MAKE: makers[library],
    OWN: own.trim(),
    FOLDER: folder,
  };
  return script.replace(/<<([A-Z]+)>>/g, (_, name: string) => parts[name]!);
}

/** Name of the weights, without extension, as each library writes it. */
export const weightsNames: Readonly<Record<ModelClass['library'], string>> = {
  diffusers: 'diffusion_pytorch_model',
  transformers: 'model',
};

const makers: Readonly<Record<ModelClass['library'], string>> = {
  diffusers: 'getattr(diffusers, config["_class_name"]).from_config(config)',
  transformers: 'make(getattr(transformers, config["architectures"][0]), config)',
};

const script = `"""Loads this pruned model: \`from load_secateur import load; model = load()\`.  pip install <<LIBRARY>> safetensors torch"""
import json
from functools import partial
from pathlib import Path
import <<LIBRARY>>
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

class Zero(nn.Module):
    """What is left of a removed layer beside which its input is added."""
    def forward(self, x, *args, **kwargs):
        return torch.zeros((), dtype=x.dtype, device=x.device)

class SomeOutputs(nn.Linear):
    """Linear that computes some of its outputs; the others are zero."""
    def __init__(self, weight, bias, width, kept):
        super().__init__(weight.shape[1], weight.shape[0], bias=bias)
        self.width, self.kept = width, [i for first, end in kept for i in range(first, end)]
    def forward(self, x):
        y = super().forward(x)
        out = y.new_zeros(*y.shape[:-1], self.width)
        out[..., self.kept] = y
        return out

class PlainNorm(nn.Module):
    """LayerNorm without weights, of any width."""
    def __init__(self, eps):
        super().__init__()
        self.eps = eps
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], eps=self.eps)

def resized(layer, weight, groups):
    bias = getattr(layer, "bias", None) is not None
    if isinstance(layer, nn.Conv2d):
        return nn.Conv2d(weight.shape[1], weight.shape[0], layer.kernel_size, layer.stride, layer.padding, bias=bias)
    if isinstance(layer, nn.Linear):
        return nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
    if isinstance(layer, nn.GroupNorm):
        return nn.GroupNorm(groups or layer.num_groups, weight.shape[0], layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return nn.LayerNorm(weight.shape[0], layer.eps, bias=bias)
    if isinstance(layer, nn.RMSNorm):
        return nn.RMSNorm(weight.shape[0], layer.eps)
    layer.weight = nn.Parameter(torch.empty_like(weight))
    return layer

def rename(state):
    return state

def fit(model, state, notes):
    return state, notes

def prepare(model, state):
    pass

def finish(model, notes):
    pass

<<OWN>>

def make(model_class, config):
    return model_class(model_class.config_class.from_dict(config))

def resize(model, put, state, notes):
    for path, layer in list(model.named_modules()):
        groups, weight = notes.get("normGroups", {}).get(path), state.get(path + ".weight")
        if isinstance(getattr(layer, "weight", None), nn.Parameter) and layer.weight.ndim and weight is not None:
            if weight.shape != layer.weight.shape or groups:
                put(path, resized(layer, weight, groups))
        elif groups:
            layer.num_groups = groups
        elif isinstance(layer, nn.LayerNorm) and layer.weight is None:
            put(path, PlainNorm(layer.eps))
    for path, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if path in state and tensor.shape != state[path].shape:
            parent, name = model.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]
            like = torch.empty_like(state[path])
            setattr(parent, name, nn.Parameter(like) if isinstance(tensor, nn.Parameter) else like)

def load(folder=Path(__file__).resolve().parent / <<FOLDER>>):
    folder = Path(folder)
    with safe_open(folder / "<<WEIGHTS>>", "pt") as file:
        state = rename({name: file.get_tensor(name) for name in file.keys()})
        notes = json.loads(file.metadata()["secateur"])
    config = json.loads((folder / "config.json").read_text())
    model = <<MAKE>>
    state, notes = fit(model, state, notes)
    put = lambda path, layer: setattr(model.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2], layer)
    for path in notes.get("removed", []):
        pass_by(model, put, path)
    prepare(model, state)
    resize(model, put, state, notes)
    for path, some in notes.get("outputs", {}).items():
        bias = getattr(model.get_submodule(path), "bias", None) is not None
        put(path, SomeOutputs(state[path + ".weight"], bias, some["width"], some["kept"]))
    adapt(model, notes)
    # Buffers that the library computes are stored cut, and are no part of its own state.
    for path, buffer in model.named_buffers():
        if path in state and path not in model.state_dict():
            buffer.copy_(state.pop(path))
    model.load_state_dict(state, strict=True)
    finish(model, notes)
    dtype = next(iter(state.values())).dtype
    return (model if dtype == torch.float32 else model.to(dtype)).eval()
`;

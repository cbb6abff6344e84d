"""Whether load_secateur.py in a pruned model's folder rebuilds, in diffusers, the model that Secateur means.

    python tools/reference/check_load_script.py FOLDER GOLDEN.safetensors

GOLDEN holds the inputs as `in.sample`, `in.timestep` and so on, and Secateur's `out`. Prints the relative error; exits
with 1 when it is above 1e-4.
"""

import importlib.util
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

folder, golden = Path(sys.argv[1]), load_file(sys.argv[2])
spec = importlib.util.spec_from_file_location("load_secateur", folder / "load_secateur.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
model = module.load()
inputs = {name[3:]: tensor for name, tensor in golden.items() if name.startswith("in.")}
added = {name: inputs.pop(name) for name in ("text_embeds", "time_ids") if name in inputs}
if added:
    inputs["added_cond_kwargs"] = added
with torch.no_grad():
    out = model(**inputs).sample
error = ((out - golden["out"]).abs().max() / golden["out"].abs().max()).item()
print(f"relative error {error:.1e}")
sys.exit(error > 1e-4)

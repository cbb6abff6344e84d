import { jointLoadScript } from './joint.js';

/** The part of `load_secateur.py` for FLUX: see `load-script.ts`. */
export const fluxLoadScript: string = `
${jointLoadScript}
def pass_by(model, put, path):
    pass_by_joint(model, put, path)

def rotary_pairs(model, state):
    """The pairs of channels that each attention kept, by their frequencies."""
    axes = model.config.axes_dims_rope
    columns = [[10000 ** (-2 * i / dim) if row == axis else 0 for row in range(len(axes))] for axis, dim in enumerate(axes) for i in range(dim // 2)]
    every = torch.tensor(columns, dtype=torch.float64)
    for name in [name for name in state if name.endswith(".rope")]:
        kept = state.pop(name).T.double()
        pairs = torch.cdist(kept, every).argmin(dim=1).tolist()
        model.get_submodule(name.removesuffix(".rope")).pairs = pairs

def prepare(model, state):
    rotary_pairs(model, state)
    absent_norms(model, state)

def adapt(model, notes):
    adapt_attention(model, notes, JointAttention())
`;

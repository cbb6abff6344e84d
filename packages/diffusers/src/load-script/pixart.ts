import { transformerLoadScript } from './transformer.js';

/** The part of `load_secateur.py` for PixArt: see `load-script.ts`. */
export const pixartLoadScript: string = `
${transformerLoadScript}
NORMS = {"attn1": "norm1", "ff": "norm2"}

class PassedBlock(nn.Module):
    """What is left of a removed block."""
    def forward(self, x, *args, **kwargs):
        return x

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    if name in ("attn1", "attn2", "ff"):
        put(path, Zero())
        if name in NORMS:
            put(f"{parent}.{NORMS[name]}", nn.Identity())
    else:
        put(path, PassedBlock())

def rename(state):
    return {name.replace("caption_projection.", "captions."): tensor for name, tensor in state.items()}

def project_captions(model, args, kwargs):
    # The model itself would want captions as wide as its stream.
    if len(args) > 1:
        return (args[0], model.captions(args[1]), *args[2:]), kwargs
    return args, {**kwargs, "encoder_hidden_states": model.captions(kwargs["encoder_hidden_states"])}

def prepare(model, state):
    wave_positions(model, state)
    if model.caption_projection is not None:
        model.captions, model.caption_projection = model.caption_projection, None
        model.register_forward_pre_hook(project_captions, with_kwargs=True)

def adapt(model, notes):
    adapt_attention(model, notes, PrunedAttention())
`;

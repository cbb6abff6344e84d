import { transformerLoadScript } from './transformer.js';

/** The part of `load_secateur.py` for DiT: see `load-script.ts`. */
export const ditLoadScript: string = `
${transformerLoadScript}
class PassedBlock(nn.Module):
    """What is left of a removed block; of the first one also the embedding that the output is modulated by."""
    def __init__(self, block, is_first):
        super().__init__()
        self.norm1 = nn.Module()
        if is_first:
            self.norm1.emb = block.norm1.emb
    def forward(self, x, *args, **kwargs):
        return x

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    if name == "attn1":
        put(path, Zero())
    elif name == "ff":
        put(path, Zero())
        put(f"{parent}.norm3", nn.Identity())
    else:
        put(path, PassedBlock(model.get_submodule(path), path == "transformer_blocks.0"))

def prepare(model, state):
    wave_positions(model, state)

def adapt(model, notes):
    adapt_attention(model, notes, PrunedAttention())
`;

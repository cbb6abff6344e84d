import { transformerLoadScript } from './transformer.js';

/** Python that the parts of `load_secateur.py` for transformers of two streams share. */
export const jointLoadScript: string = `
${transformerLoadScript}
from diffusers.models.embeddings import apply_rotary_emb

class JointAttention:
    """Attention over text and picture together, whose queries and keys may be narrower than its values."""
    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, image_rotary_emb=None, **kwargs):
        def project(x, names, norms):
            q, k, v = (getattr(attn, name)(x).unflatten(-1, (attn.heads, -1)) for name in names)
            norm_q, norm_k = (getattr(attn, name, None) or nn.Identity() for name in norms)
            return norm_q(q), norm_k(k), v
        parts = project(hidden_states, ("to_q", "to_k", "to_v"), ("norm_q", "norm_k"))
        if encoder_hidden_states is not None:
            names = ("add_q_proj", "add_k_proj", "add_v_proj")
            added = project(encoder_hidden_states, names, ("norm_added_q", "norm_added_k"))
            parts = [torch.cat(pair, dim=1) for pair in zip(added, parts)]
        q, k, v = parts
        if image_rotary_emb is not None:
            pairs = getattr(attn, "pairs", slice(None))
            cos, sin = (table[:, ::2][:, pairs].repeat_interleave(2, dim=1) for table in image_rotary_emb)
            q, k = (apply_rotary_emb(x, (cos, sin), sequence_dim=1) for x in (q, k))
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, scale=attn.scale).transpose(1, 2).flatten(2)
        text = 0 if encoder_hidden_states is None else encoder_hidden_states.shape[1]
        context, y = y[:, :text], y[:, text:]
        if getattr(attn, "to_out", None) is not None:
            y = attn.to_out[0](y)
        if encoder_hidden_states is None:
            return y
        return y, context if attn.context_pre_only else attn.to_add_out(context)

class NoAttention(nn.Module):
    """What is left of a removed attention over both streams."""
    def forward(self, hidden_states, encoder_hidden_states=None, **kwargs):
        zero = torch.zeros((), dtype=hidden_states.dtype, device=hidden_states.device)
        return zero if encoder_hidden_states is None else (zero, zero)

class NoNorm(nn.Module):
    """What is left of an adaptive norm that serves nothing any more."""
    def __init__(self, parts):
        super().__init__()
        self.parts = parts
    def forward(self, x, *args, **kwargs):
        zero = x.new_zeros(1, 1)
        return x if self.parts == 1 else (x, *[zero] * (self.parts - 1))

class PassedBlock(nn.Module):
    """What is left of a removed block."""
    context_pre_only = False
    def forward(self, hidden_states, encoder_hidden_states, *args, **kwargs):
        return encoder_hidden_states, hidden_states

def pass_by_joint(model, put, path):
    name = path.rpartition(".")[2]
    if name in ("ff", "ff_context", "to_add_out"):
        put(path, Zero())
    else:
        put(path, NoAttention() if name in ("attn", "attn2") else PassedBlock())

def absent_norms(model, state):
    for path, block in list(model.named_modules()):
        if path.startswith("transformer_blocks.") and hasattr(block, "norm1_context"):
            parts = {"norm1": 7 if getattr(block, "use_dual_attention", False) else 5}
            parts["norm1_context"] = 1 if getattr(block, "context_pre_only", False) else 5
            for name, count in parts.items():
                if f"{path}.{name}.linear.weight" not in state:
                    setattr(block, name, NoNorm(count))
`;

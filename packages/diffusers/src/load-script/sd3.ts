import { jointLoadScript } from './joint.js';

/** The part of `load_secateur.py` for SD3: see `load-script.ts`. */
export const sd3LoadScript: string = `
${jointLoadScript}
def pass_by(model, put, path):
    pass_by_joint(model, put, path)

def prepare(model, state):
    wave_positions(model, state)
    absent_norms(model, state)

def adapt(model, notes):
    adapt_attention(model, notes, JointAttention())
`;

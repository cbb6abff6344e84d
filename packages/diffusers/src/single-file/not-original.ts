import { SecateurError } from '@secateur/graph';

/** The error about a `.safetensors` of which nothing says what it is. */
export function notOriginal(file: string): SecateurError {
  return new SecateurError(
    'BAD_FILE',
    `${file} has no config.json beside it, and its keys are not those of an original Stable Diffusion checkpoint.`,
    {
      file,
      hint: 'Put the config.json beside it, or name a checkpoint with keys such as model.diffusion_model.input_blocks.0.0.weight.',
    },
  );
}

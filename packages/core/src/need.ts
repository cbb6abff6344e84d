import { SecateurError } from '@secateur/graph';

/** What a criterion must be given before it scores. Made by the functions below. */
export type Need =
  | { readonly kind: 'weights' }
  | {
      readonly kind: 'gradients';
      /** `sum`: signed, over all batches. `sum-squares`: squared per sample, then summed. */
      readonly accumulate: 'sum' | 'sum-squares';
      readonly stop?: StopRule;
    }
  | { readonly kind: 'activations'; readonly norm: 'l2' }
  | {
      readonly kind: 'outputs-without';
      /** How many random sets of layers are measured as well. */
      readonly subsets: number;
      /** Rows of one run at most; 0: as many as memory allows, by estimate. */
      readonly rowsPerRun: number;
    };

/**
 * When to leave off adding timesteps. They are visited from 0 (clean) upwards; the loss L_t falls with t; `max` is the
 * largest loss so far.
 */
export interface StopRule {
  /** Stop at the first t with `L_t < threshold * max`. In [0, 1]; 0 never stops. */
  readonly threshold: number;
  /**
   * Whether the gradient of the timestep that triggers the stop is still added: `backward-first` adds it (the paper's
   * diffusers script), `test-first` does not (its experiment and latent-diffusion scripts).
   */
  readonly order: 'backward-first' | 'test-first';
}

/** The weights themselves: every criterion that reads them names this. */
export const weights = (): Need => ({ kind: 'weights' });

/**
 * Gradients of the denoising loss with respect to every parameter, over the timesteps of the schedule.
 * @param options.accumulate default `sum`
 * @param options.stop when to leave off; default never
 * @throws {SecateurError} BAD_OPTION when the stop threshold is outside [0, 1]
 */
export const gradients = (options: { accumulate?: 'sum' | 'sum-squares'; stop?: StopRule } = {}): Need => {
  const { accumulate = 'sum', stop } = options;
  if (stop && !(stop.threshold >= 0 && stop.threshold <= 1)) {
    throw new SecateurError('BAD_OPTION', `Stop threshold ${stop.threshold} is outside [0, 1].`, {
      field: 'threshold',
    });
  }
  return { kind: 'gradients', accumulate, ...(stop ? { stop } : {}) };
};

/** L2 norm of every input channel of every weight, over samples, positions and tokens. */
export const activations = (): Need => ({ kind: 'activations', norm: 'l2' });

/**
 * Outputs of the model without each of the layers there are to choose from, against those of the whole model: one graph in
 * which layers can be switched off, forward runs alone.
 *
 * @param options.subsets random sets of layers that are measured as well, to see how far single results add up. Default 0
 * @param options.rowsPerRun samples times layers in one run at most. Default 0: as many as memory allows, by estimate
 */
export const outputsWithout = (options: { subsets?: number; rowsPerRun?: number } = {}): Need => {
  const { subsets = 0, rowsPerRun = 0 } = options;
  return { kind: 'outputs-without', subsets, rowsPerRun };
};

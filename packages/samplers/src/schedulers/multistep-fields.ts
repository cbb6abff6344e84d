import { type BetaFields, betaFields, zeroSnrField } from '../betas.js';
import { type ThresholdFields, thresholdFields } from '../clipping.js';
import { choiceField, type Field, flagField, numberField, offField, wholeField } from '../config-fields.js';
import type { PredictionType } from '../noise-process.js';
import { sigmaSpacingFields } from '../sigmas.js';
import { type Spacing, spacingField } from '../timestep-spacing.js';

export type MultistepFields = BetaFields &
  ThresholdFields &
  typeof sigmaSpacingFields & {
    solver_order: Field<number>;
    prediction_type: Field<PredictionType>;
    lower_order_final: Field<boolean>;
    use_flow_sigmas: Field<boolean>;
    flow_shift: Field<number>;
    final_sigmas_type: Field<'zero' | 'sigma_min'>;
    timestep_spacing: Field<Spacing>;
    steps_offset: Field<number>;
    rescale_betas_zero_snr: Field<boolean>;
    use_dynamic_shifting: Field<boolean | null>;
    time_shift_type: Field<'exponential'>;
  };

/** Fields that DPM-Solver and UniPC share. */
export const multistepFields: MultistepFields = {
  ...betaFields(),
  ...thresholdFields,
  ...sigmaSpacingFields,
  solver_order: wholeField(2, 1, 3),
  prediction_type: choiceField('epsilon', ['epsilon', 'sample', 'v_prediction', 'flow_prediction']),
  lower_order_final: flagField(true),
  use_flow_sigmas: flagField(false),
  flow_shift: numberField(1, 0, 1000),
  final_sigmas_type: choiceField('zero', ['zero', 'sigma_min']),
  timestep_spacing: spacingField('linspace'),
  steps_offset: wholeField(0, 0, 1000),
  rescale_betas_zero_snr: zeroSnrField,
  use_dynamic_shifting: offField(false),
  time_shift_type: choiceField('exponential', ['exponential']),
};

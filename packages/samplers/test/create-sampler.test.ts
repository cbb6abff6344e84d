import { expect, it } from 'vitest';
import { createSampler, samplerNamed, samplerNames } from '../src/index.js';

const badConfig = (field: string) => expect.objectContaining({ code: 'BAD_CONFIG', field });

it.each(samplerNames)('%s: from defaults, by its own class name again', (name) => {
  const sampler = samplerNamed(name);
  const again = createSampler(sampler.config);
  expect(again.config).toEqual(sampler.config);
  expect(again.timesteps(4)).toEqual(sampler.timesteps(4));
});

it('refuses unknown classes, fields and values', () => {
  expect(() => createSampler({ _class_name: 'NoScheduler' })).toThrow(badConfig('_class_name'));
  expect(() => createSampler({})).toThrow(badConfig('_class_name'));
  expect(() => createSampler({ _class_name: 'DDIMScheduler', betas: 1 })).toThrow(badConfig('betas'));
  expect(() => createSampler({ _class_name: 'DDIMScheduler', beta_schedule: 'cubic' })).toThrow(
    badConfig('beta_schedule'),
  );
  expect(() => createSampler({ _class_name: 'DDPMScheduler', variance_type: 'fixed_large_log' })).toThrow(
    badConfig('variance_type'),
  );
});

it('reads the published configuration of Stable Diffusion 1.5, with a field that PNDM does not have', () => {
  const sampler = createSampler({
    _class_name: 'PNDMScheduler',
    _diffusers_version: '0.6.0',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    num_train_timesteps: 1000,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null,
    clip_sample: false,
  });
  expect(sampler.timesteps(4)).toEqual([751, 501, 501, 251, 1]);
});

it('reads fields of old checkpoints', () => {
  const old = { _class_name: 'DDPMScheduler', tensor_format: 'pt', timestep_values: null };
  expect(createSampler({ ...old, predict_epsilon: true }).prediction).toBe('epsilon');
  expect(createSampler({ ...old, predict_epsilon: false }).prediction).toBe('sample');
});

it('keeps what another class’s configuration says about training', () => {
  const base = {
    _class_name: 'DDPMScheduler',
    beta_start: 0.001,
    prediction_type: 'v_prediction',
    variance_type: 'fixed_large',
  };
  const sampler = samplerNamed('dpm-solver', base);
  expect(sampler.config).toMatchObject({ _class_name: 'DPMSolverMultistepScheduler', beta_start: 0.001 });
  expect(sampler.prediction).toBe('v_prediction');
});

it.each(['', 'toString', 'DDIM'])('refuses the name "%s"', (name) => {
  expect(() => samplerNamed(name)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'sampler' }));
});

it('refuses mixes that no solver has', () => {
  const dpm = { _class_name: 'DPMSolverMultistepScheduler' };
  expect(() => createSampler({ ...dpm, algorithm_type: 'dpmsolver' })).toThrow(badConfig('final_sigmas_type'));
  const sde = { ...dpm, algorithm_type: 'sde-dpmsolver', final_sigmas_type: 'sigma_min' };
  expect(() => createSampler({ ...sde, solver_order: 3 })).toThrow(badConfig('solver_order'));
  expect(() => createSampler({ ...sde, prediction_type: 'flow_prediction' })).toThrow(badConfig('prediction_type'));
  const uni = { _class_name: 'UniPCMultistepScheduler', predict_x0: false, prediction_type: 'flow_prediction' };
  expect(() => createSampler(uni)).toThrow(badConfig('predict_x0'));
  expect(() => createSampler({ _class_name: 'LCMScheduler', original_inference_steps: 2000 })).toThrow(
    badConfig('original_inference_steps'),
  );
});

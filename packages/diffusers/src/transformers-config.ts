import * as v from 'valibot';
import type { Activation } from './layers/activation.js';
import { failConfig, parseConfig } from './parse-config.js';

/** Activations by their names in transformers. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};

/** @throws {SecateurError} BAD_CONFIG when the activation is not known */
export function activationNamed(name: string, field: string): Activation {
  if (Object.hasOwn(activations, name)) return activations[name]!;
  return failConfig(field, `is ${JSON.stringify(name)}, must be one of ${Object.keys(activations).join(', ')}`);
}

/**
 * Checks a configuration of transformers. Unlike diffusers', it may have fields that its class does not know: the library
 * keeps dozens of them for every model, and none changes what an encoder computes.
 *
 * @throws {SecateurError} BAD_CONFIG naming the first field that is of a wrong type or out of range
 */
export function parseTransformersConfig<T>(
  className: string,
  entries: Readonly<Record<string, v.GenericSchema>>,
  json: unknown,
): T {
  return parseConfig(className, v.object(entries) as unknown as v.GenericSchema<unknown, T>, json);
}

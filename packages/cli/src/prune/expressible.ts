import type { Model } from '@secateur/core';
import { SecateurError } from '@secateur/graph';

/**
 * Makes sure that a cut made for stock diffusers can be loaded by it. Tied widths alone do not promise that: two stages
 * that end up equally wide would have no shortcut between them in a model built from the configuration.
 *
 * @throws {SecateurError} CANNOT_PRUNE when no configuration of the class describes the model
 */
export async function checkExpressible(model: Model): Promise<void> {
  const { modelClassOf } = await import('@secateur/diffusers');
  if (!model.config || modelClassOf(model.config).expressibleConfig(model.config, model.graph)) return;
  throw new SecateurError('CANNOT_PRUNE', `No configuration of ${model.className} describes what this cut leaves.`, {
    field: 'expressible',
    hint: 'Two stages may have become equally wide: try a ratio a little higher or lower. Or leave --expressible out.',
  });
}

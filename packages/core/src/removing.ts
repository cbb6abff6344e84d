import { type Coupling, SecateurError } from '@secateur/graph';
import type { TreatmentChoice } from './layer-units.js';
import type { Method } from './method.js';
import { groupsOfKinds, type Space } from './space.js';

export interface RemovingOptions {
  /**
   * Ids of layers, blocks, pairs and stages: `mid_block`, `down_blocks.0.resnets.1`. `*` stands for any characters but `+`
   * and `:`, which join a pair's two halves and name a treatment.
   */
  readonly units: readonly string[];
  /** What to leave where an id does not say it (`up_blocks.0.resnets.1:pass`). Default `shortcut`. */
  readonly treatment?: TreatmentChoice;
}

/** Layers and blocks that are named, without a criterion. */
const named: Space = { kind: 'units', name: 'named', units: ['layer', 'block', 'pair', 'stage'] };

/**
 * A method that removes what it is told to.
 *
 * @throws {SecateurError} BAD_OPTION from its steps for a pattern that matches nothing
 */
export function removing(options: RemovingOptions): Method {
  const { units, treatment = 'shortcut' } = options;
  return {
    kind: 'method',
    name: 'remove',
    apiVersion: 1,
    summary: 'Removes the layers and blocks that are named.',
    options: { units, treatment },
    needsBudget: false,
    async *steps({ coupling }) {
      const ids = namedUnits(coupling, units, treatment);
      const removal = new Map(ids.map((id) => [id, [0]]));
      const names = { criterion: 'by name', selector: 'by name' };
      yield { name: 'select', details: { units: ids.length }, outcome: { removal, space: named, ...names } };
    },
  };
}

function namedUnits(coupling: Coupling, patterns: readonly string[], treatment: TreatmentChoice): string[] {
  const chosen = groupsOfKinds(coupling, named.kind === 'units' ? named.units : [], treatment);
  const ids = new Set<string>();
  for (const pattern of patterns) {
    const isPattern = patternOf(pattern);
    // What says its treatment is looked for among all; otherwise `up.0:pass` goes by `up.0` as well.
    const matched = pattern.includes(':')
      ? coupling.depth.filter(({ id }) => isPattern(id))
      : chosen.filter(({ id }) => isPattern(id.replace(/:pass$/, '')));
    if (matched.length === 0) {
      throw new SecateurError('BAD_OPTION', `No layer or block is called "${pattern}".`, {
        field: 'remove',
        hint: '`secateur inspect MODEL` lists them.',
      });
    }
    for (const { id } of matched) ids.add(id);
  }
  return [...ids];
}

function patternOf(pattern: string): (id: string) => boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${escaped.join('[^+:]*')}$`);
  return (id) => expression.test(id);
}

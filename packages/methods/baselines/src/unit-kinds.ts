import { depthKinds, type UnitKind } from '@secateur/graph';

/** Kinds of which a group has many units, which a criterion may compare with one another. */
export const widthKinds: readonly UnitKind[] = ['channel', 'neuron', 'head', 'head-dim', 'modulation'];

/** Criteria that only add up a unit's weights score any kind of unit, layers and blocks as well. */
export const everyKind: readonly UnitKind[] = [...widthKinds, ...depthKinds];

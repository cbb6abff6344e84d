import type { UnitKind } from '@secateur/graph';

/** Criteria that only add up a unit's weights score any kind of unit. */
export const everyKind: readonly UnitKind[] = ['channel', 'head', 'head-dim'];

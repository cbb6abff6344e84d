import { SecateurError } from '@secateur/graph';
import { collectGradients } from './gradients.js';
import { collectInputNorms } from './input-norms.js';
import type { Statistics, StatisticsRequest } from './statistics.js';

/**
 * Measures everything the needs name.
 * @throws {SecateurError} MISSING_NEED when data or an engine is needed and not given; BAD_DATA for non-finite losses
 */
export async function collectStatistics(request: StatisticsRequest): Promise<Statistics> {
  const gradients = request.needs.find((need) => need.kind === 'gradients');
  const activations = request.needs.some((need) => need.kind === 'activations');
  if (!gradients && !activations) return { losses: [] };
  const { engine, data } = request;
  if (!engine || !data) {
    const missing = engine ? 'data' : 'engine';
    throw new SecateurError('MISSING_NEED', `Scoring needs ${gradients ? 'gradients' : 'activations'}, for which ${missing} must be given.`, {
      field: missing,
      hint: engine ? 'Pass calibration images: --data, or `data` in code.' : 'Pass an engine: `engine` in code.',
    });
  }
  const inputNorms = activations ? await collectInputNorms({ ...request, engine, data }) : undefined;
  const swept = gradients ? await collectGradients({ ...request, engine, data }, gradients) : undefined;
  return { losses: [], ...swept, inputNorms };
}

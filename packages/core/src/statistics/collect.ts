import { SecateurError } from '@secateur/graph';
import { collectGradients } from './gradients.js';
import { collectInputNorms } from './input-norms.js';
import { collectOutputsWithout } from './outputs-without.js';
import type { Statistics, StatisticsRequest } from './statistics.js';

/**
 * Measures everything the needs name.
 * @throws {SecateurError} MISSING_NEED when data or an engine is needed and not given
 * @throws {SecateurError} BAD_DATA for losses or activations that are NaN or infinite
 * @throws {SecateurError} BAD_PLUGIN when gradients are needed in two ways
 */
export async function collectStatistics(request: StatisticsRequest): Promise<Statistics> {
  const [gradients, another] = request.needs.filter((need) => need.kind === 'gradients');
  if (another) {
    throw new SecateurError('BAD_PLUGIN', 'A criterion needs gradients twice; one kind of sum can be kept at a time.', {
      field: 'needs',
      hint: 'Name gradients() once among its needs.',
    });
  }
  const activations = request.needs.some((need) => need.kind === 'activations');
  const without = request.needs.find((need) => need.kind === 'outputs-without');
  if (!gradients && !activations && !without) return { losses: [] };
  const { engine, data } = request;
  if (!engine || !data) {
    const missing = engine ? 'data' : 'engine';
    const what = gradients ? 'gradients' : activations ? 'activations' : 'outputs without each layer';
    throw new SecateurError('MISSING_NEED', `Scoring needs ${what}, for which ${missing} must be given.`, {
      field: missing,
      hint: engine ? 'Pass calibration images: --data, or `data` in code.' : 'Pass an engine: `engine` in code.',
    });
  }
  const outputsWithout = without ? await collectOutputsWithout({ ...request, engine, data }, without) : undefined;
  const inputNorms = activations ? await collectInputNorms({ ...request, engine, data }) : undefined;
  const swept = gradients ? await collectGradients({ ...request, engine, data }, gradients) : undefined;
  return { losses: [], ...swept, inputNorms, outputsWithout };
}

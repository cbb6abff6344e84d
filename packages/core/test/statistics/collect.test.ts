import { describe, expect, it } from 'vitest';
import { activations, collectStatistics, gradients, outputsWithout, weights } from '../../src/index.js';
import { requestOf } from '../support/statistics-request.js';

describe('collectStatistics', () => {
  it('measures nothing for weights alone, and needs no engine', async () => {
    expect(await collectStatistics(requestOf({ needs: [weights()], engine: undefined, data: undefined }))).toEqual({
      losses: [],
    });
  });
  it('brings what is named', async () => {
    const both = await collectStatistics(
      requestOf({ needs: [weights(), gradients(), activations()], timesteps: [0, 3] }),
    );
    expect(both.gradients!.size).toBeGreaterThan(0);
    expect(both.inputNorms!.size).toBeGreaterThan(0);
    expect(both.losses).toHaveLength(2);
  });
  it.each([
    ['engine', gradients()],
    ['data', gradients()],
    ['data', activations()],
    ['engine', outputsWithout()],
  ] as const)('refuses without %s', async (missing, need) => {
    const refused = collectStatistics(requestOf({ needs: [need], [missing]: undefined }));
    await expect(refused).rejects.toMatchObject({ code: 'MISSING_NEED', field: missing });
  });
  it('refuses two kinds of gradient sums', async () => {
    const refused = collectStatistics(requestOf({ needs: [gradients(), gradients({ accumulate: 'sum-squares' })] }));
    await expect(refused).rejects.toMatchObject({ code: 'BAD_PLUGIN', field: 'needs' });
  });
});

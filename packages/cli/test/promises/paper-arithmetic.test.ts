import { readFileSync } from 'node:fs';
import { random } from '@secateur/baselines';
import { costOf, type Model, parametersOf, prune, structured } from '@secateur/core';
import { modelFromWeights, randomWeights } from '@secateur/diffusers';
import { fixturePath } from '@secateur/testkit';
import { beforeAll, describe, expect, it } from 'vitest';

const readJson = (path: string) => JSON.parse(readFileSync(fixturePath(path), 'utf8'));

/** Diff-Pruning's published counts for the CIFAR-10 DDPM, and every shape behind them. */
describe('the arithmetic of the paper on ddpm-cifar10-32', () => {
  let model: Model;
  beforeAll(() => {
    const config = readJson('configs/ddpm-cifar10-32/config.json');
    model = modelFromWeights('ddpm-cifar10-32', config, randomWeights(config, 1));
  });

  it('counts 35,746,307 parameters and 6,053,953,536 MACs dense', () => {
    expect(costOf(model)).toMatchObject({ parameters: 35_746_307, macs: 6_053_953_536 });
  });

  it.each([
    ['paper', 19_851_157, 3_384_244_068],
    ['torch-pruning', 13_949_333, 2_081_694_948],
  ] as const)('under rule %s at ratio 0.3 keeps %i parameters and %i MACs', async (rule, parameters, macs) => {
    const { shapes } = readJson(`ddpm-cifar10-32-widths/${rule}.json`) as { shapes: Record<string, number[]> };
    const { model: pruned, report } = await prune(model, {
      method: structured({ criterion: random() }),
      ratio: 0.3,
      normGroups: rule,
      seed: 1,
    });
    expect(report.after).toMatchObject({ parameters, macs });
    const actual = Object.fromEntries(
      [...parametersOf(pruned.graph)].map(([name, { constant }]) => [name, constant.parameter!.shape]),
    );
    expect(actual).toEqual(shapes);
  });
});

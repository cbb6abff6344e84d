import { expect, it } from 'vitest';
import { stagesOf } from '../src/group-names.js';
import { group } from './sample-report.js';

const names = (ids: readonly string[]): [string, string[]][] =>
  stagesOf(ids.map((id) => group(id, [1]))).map((stage) => [stage.name, stage.groups.map(({ name }) => name)]);

it('sorts groups by part of the model, in the order they come', () => {
  expect(
    names([
      'conv_in.weight:0',
      'down_blocks.0.resnets.0.conv1.weight:0',
      'mid_block.attentions.0.to_q.weight:0:head-dim',
      'down_blocks.0.conv.weight:1',
    ]),
  ).toEqual([
    ['conv_in', ['conv_in']],
    ['down_blocks.0', ['down_blocks.0.resnets.0.conv1', 'down_blocks.0.conv, axis 1']],
    ['mid_block', ['mid_block.attentions.0.to_q']],
  ]);
});

it('drops a wrapper that all groups share, but no numbered list', () => {
  expect(names(['unet.conv_in.weight:0', 'unet.blocks.0.conv.weight:0'])).toEqual([
    ['conv_in', ['conv_in']],
    ['blocks.0', ['blocks.0.conv']],
  ]);
  expect(names(['blocks.0.a.weight:0', 'blocks.1.a.weight:0'])).toEqual([
    ['blocks.0', ['blocks.0.a']],
    ['blocks.1', ['blocks.1.a']],
  ]);
});

it('shows an id of another form as it is', () => {
  expect(names(['odd'])).toEqual([['odd', ['odd']]]);
});

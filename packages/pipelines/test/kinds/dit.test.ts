import { int64 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { dit } from '../../src/kinds/dit.js';
import { fakeDenoiser, requestFor } from './fake-parts.js';

const { model, inputs } = fakeDenoiser({ class_labels: [] });
const kind = dit(model, inputs, { num_embeds_ada_norm: 10 });

it('guides by the label behind the last class', async () => {
  const request = requestFor([], { labels: [3, 9], count: 2 });
  expect(await kind.conditions(request)).toEqual({
    given: { class_labels: int64([3, 9]) },
    without: { class_labels: int64([10, 10]) },
  });
  expect(await kind.conditions({ ...request, guidanceScale: 1 })).toEqual({ given: { class_labels: int64([3, 9]) } });
});

it('refuses labels that are no classes, and other inputs', async () => {
  const request = requestFor([], { labels: [11], count: 1 });
  await expect(kind.conditions(request)).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'classLabels' });
  const other = fakeDenoiser({ class_labels: [], mask: [3] });
  expect(() => dit(other.model, other.inputs, {})).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', field: 'mask' }),
  );
});

import { describe, expect, it } from 'vitest';
import { fixturePath, secateur } from './run-cli.js';

describe('inspect', () => {
  it('prints the fields that scripts rely on, the same for a checkpoint and its ONNX export', async () => {
    const outputs = await Promise.all(
      ['unet2d-tiny', 'unet2d-tiny/model.onnx'].map((path) => secateur(['inspect', fixturePath(path), '--json'])),
    );
    const [checkpoint, onnx] = outputs.map(({ code, stdout, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    });
    expect(checkpoint.inputs.map(({ name }: { name: string }) => name)).toEqual(['sample', 'timestep']);
    for (const model of [checkpoint, onnx]) {
      expect(model).toMatchObject({
        parameters: checkpoint.parameters,
        macs: checkpoint.macs,
        bytes: checkpoint.parameters * 4,
      });
      for (const group of model.groups) {
        expect(group).toEqual({
          id: expect.any(String),
          kind: expect.any(String),
          size: expect.any(Number),
          slices: expect.any(Array),
        });
        for (const slice of group.slices)
          expect(slice).toMatchObject({
            tensor: expect.any(String),
            axis: expect.any(Number),
            role: expect.any(String),
          });
      }
      for (const entry of model.notPruned) expect(Object.keys(entry)).toEqual(['tensor', 'axis', 'reason']);
    }
    const sets = (model: typeof checkpoint) =>
      new Set(
        model.groups.map((group: { slices: { tensor: string; axis: number }[] }) =>
          group.slices
            .map(({ tensor, axis }) => `${tensor}:${axis}`)
            .sort()
            .join(),
        ),
      );
    expect(sets(onnx)).toEqual(sets(checkpoint));
  });

  it('prints groups as lists of tensors and axes', async () => {
    const { code, stdout } = await secateur(['inspect', fixturePath('unet2d-tiny')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^conv_in\.weight:0 {3}16 channel units\n +\[0\] {2}conv_in\.weight +axis 0 {2}producer$/m);
    expect(stdout).toMatch(/of the parameters lie in some unit/);
  });

  it('picks groups by tensor name, and leaves them out on request', async () => {
    const matched = JSON.parse(
      (await secateur(['inspect', fixturePath('unet2d-tiny'), '--json', '--match', 'conv_in.*'])).stdout,
    );
    expect(matched.groups).toHaveLength(1);
    const { stdout } = await secateur(['inspect', fixturePath('unet2d-tiny'), '--summary']);
    expect(stdout).not.toContain('channel units');
  });
});

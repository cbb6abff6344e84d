import { describe, expect, it } from 'vitest';
import { existsSync, fixturePath, join, readJson, scratch, secateur } from './run-cli.js';

const model = fixturePath('unet2d-tiny');

describe('layers on the command line', () => {
  it('are listed with what they save, the same for a checkpoint and its ONNX export', async () => {
    const read = async (path: string) => {
      const { depth } = JSON.parse((await secateur(['inspect', fixturePath(path), '--json'])).stdout);
      return depth as { id: string; kind: string; parameters: number; macs: number }[];
    };
    const [checkpoint, onnx] = [await read('unet2d-tiny'), await read('unet2d-tiny/model.onnx')];
    expect(checkpoint.find(({ id }) => id === 'mid_block')).toMatchObject({ kind: 'block', parameters: 45_696 });
    expect(checkpoint.map(({ kind }) => kind)).toContain('pair');
    expect(onnx).toEqual(checkpoint);
    const { stdout } = await secateur(['inspect', model, '--summary']);
    expect(stdout).toMatch(/layer +up_blocks\.0\.resnets\.0:pass +32,064/);
  });

  it('go by name, and what is left says so', async () => {
    const out = join(scratch(), 'out');
    const { code, stderr } = await secateur([
      'prune',
      model,
      '--remove',
      'mid_block, up_blocks.*.attentions.1',
      '--out',
      out,
      '--no-pictures',
      '--no-latency',
    ]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(readJson(join(out, 'secateur.json')).removed).toEqual({
      mid_block: [[0, 1]],
      'up_blocks.0.attentions.1': [[0, 1]],
    });
    expect(existsSync(join(out, 'load_secateur.py'))).toBe(true);
    const again = JSON.parse((await secateur(['inspect', out, '--json'])).stdout);
    expect(again.parameters).toBe(
      readJson(join(model, 'config.json')) &&
        (readJson(join(out, 'report.json')).after as { parameters: number }).parameters,
    );
  });

  it('go by a criterion', async () => {
    const { code, stdout } = await secateur([
      'prune',
      model,
      '--method',
      'magnitude',
      '--space',
      'layers',
      '--ratio',
      '0.3',
      '--treatment',
      'pass',
      '--dry-run',
      '--json',
    ]);
    const report = JSON.parse(stdout);
    expect([code, report.space]).toEqual([0, 'layers']);
    expect(report.after.parameters).toBeLessThan(report.before.parameters);
  });

  it('say what is wrong', async () => {
    const wrong = await secateur(['prune', model, '--remove', 'mid_blocks', '--dry-run']);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('No layer or block is called "mid_blocks"'),
    ]);
    const none = await secateur(['prune', model, '--ratio', '0.3', '--dry-run']);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--method is missing')]);
  });
});

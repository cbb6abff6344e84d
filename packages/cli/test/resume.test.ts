import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { existsSync, join, scratch, snapshot, tinyModel } from './run-cli.js';

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** A method in three saved steps that is killed, as if by `kill -9`, once the second is on disk. */
const dying = `
  import { existsSync, writeFileSync } from 'node:fs';
  import { defineMethod, magnitude, structured } from 'secateur';

  export const dying = defineMethod({
    name: 'dying', apiVersion: 1, defaults: { note: '' },
    steps: async function* (context) {
      const done = context.journal.resumed?.value ?? 0;
      for (let step = done + 1; step <= 3; step++) {
        await context.journal.save({ value: step, tensors: {} });
        yield { name: 'step ' + step };
        if (context.options.note && step === 2 && done === 0) process.kill(process.pid, 'SIGKILL');
      }
      if (context.options.note) writeFileSync(context.options.note, 'went on after step ' + done);
      yield* structured({ criterion: magnitude() }).steps(context);
    },
  });`;

describe('resuming', () => {
  // Needs the built program, which `npm test` makes before it runs this.
  it.skipIf(!existsSync(program))(
    'goes on after kill -9 with the same bytes, and leaves no trace of having been killed',
    async () => {
      const folder = scratch();
      const model = await tinyModel(folder);
      const plugin = join(folder, 'dying.ts');
      writeFileSync(plugin, dying);
      const note = join(folder, 'note.txt');
      const run = (out: string) =>
        spawnSync(
          process.execPath,
          [
            program,
            'prune',
            model,
            '--method',
            'dying',
            '--note',
            note,
            '--plugin',
            plugin,
            '--ratio',
            '0.3',
            '--out',
            join(folder, out),
            '--no-pictures',
            '--no-latency',
            '--quiet',
          ],
          { encoding: 'utf8' },
        );
      expect(run('out').signal).toBe('SIGKILL');
      expect(existsSync(join(folder, 'out'))).toBe(false);
      expect(existsSync(join(folder, '.out.secateur-run/state.bin'))).toBe(true);
      const second = run('out');
      expect(second.stderr).toBe('');
      expect(second.status).toBe(0);
      expect(readFileSync(note, 'utf8')).toBe('went on after step 2');
      expect(existsSync(join(folder, '.out.secateur-run'))).toBe(false);
      expect(run('whole').signal).toBe('SIGKILL');
      expect(run('whole').status).toBe(0);
      for (const file of ['secateur.json', 'diffusion_pytorch_model.safetensors']) {
        expect(readFileSync(join(folder, 'out', file)).equals(readFileSync(join(folder, 'whole', file)))).toBe(true);
      }
      expect(snapshot(folder).filter((line) => line.startsWith('.'))).toEqual([]);
    },
  );
});

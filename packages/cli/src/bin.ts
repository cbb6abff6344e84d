#!/usr/bin/env node
import { run } from './run.js';

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A run of a model cannot be stopped halfway; who does not want to wait for it asks a second time.
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  });
}
// The reader went away (`secateur inspect … | head`): there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2));

const code = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  env: process.env,
  signal: controller.signal,
});
// Engines may hold threads that would keep the process alive.
process.stdout.write('', () => process.exit(code));

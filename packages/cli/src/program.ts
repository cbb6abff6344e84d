import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { benchCommand } from './commands/bench.js';
import { checkCommand } from './commands/check.js';
import { compareCommand } from './commands/compare.js';
import { convertCommand } from './commands/convert.js';
import { distillCommand } from './commands/distill.js';
import { evalCommand } from './commands/eval.js';
import { finetuneCommand } from './commands/finetune.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { methodsCommand } from './commands/methods.js';
import { pluginsCommand } from './commands/plugins.js';
import { pruneCommand } from './commands/prune.js';
import { sampleCommand } from './commands/sample.js';
import { applyConfigDefaults } from './config-defaults.js';
import { flagValue } from './scan-argv.js';
import type { Session } from './session.js';
import { withSharedOptions } from './shared-options.js';

const examples = `
Examples:
  $ secateur inspect zoo:fashion-ddpm-32
  $ secateur prune zoo:fashion-ddpm-32 --method magnitude --ratio 0.3 --out smaller/
  $ secateur prune unet/ --method diff-pruning --ratio 0.3 --data images/ --out smaller/
  $ secateur compare unet/ smaller/ --out comparison.html
  $ secateur eval smaller/ --reference unet/ --data images/ --metrics kid,ssim

MODEL is a diffusers folder, a .safetensors with its config.json beside it, an .onnx file, or zoo:NAME.
Exit codes: 0 done, 1 a check failed, 2 bad input or usage, 130 cancelled.`;

/** The whole command line. Options of the method named in `argv` are part of it. */
export async function createProgram(session: Session, argv: readonly string[]): Promise<Command> {
  await readConfig(session, argv);
  const program = new Command('secateur')
    .description(
      'Prunes diffusion models: reads a checkpoint or ONNX file, removes what matters least, writes a smaller one.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', examples);
  settle(program, session);
  const commands = [
    inspectCommand(session),
    await pruneCommand(session, argv),
    finetuneCommand(session),
    await distillCommand(session, argv),
    sampleCommand(session),
    compareCommand(session),
    evalCommand(session),
    benchCommand(session),
    checkCommand(session),
    convertCommand(session),
    initCommand(session),
    methodsCommand(session),
    pluginsCommand(session),
  ];
  for (const command of commands) {
    withSharedOptions(command).helpOption('-h, --help', 'print help');
    command.hook('preAction', (_, action) => {
      if (session.config) applyConfigDefaults(action, session.config);
      session.begin(action);
    });
    settle(command, session);
    program.addCommand(command);
  }
  return program;
}

/** Output through the session, errors as exceptions. */
function settle(command: Command, { io }: Session): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    // Errors are thrown too, and told once, where all errors are told.
    outputError: () => {},
    getOutHelpWidth: () => Math.min(io.stderr.columns ?? 100, 110),
  });
}

async function readConfig(session: Session, argv: readonly string[]): Promise<void> {
  const { findConfig } = await import('./plugins/config-file.js');
  const named = flagValue(argv, 'config');
  const { cwd } = session.io;
  session.config = await findConfig(cwd, named === undefined ? undefined : resolve(cwd, named));
}

function version(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version;
}

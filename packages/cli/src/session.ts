import { isAbsolute, resolve } from 'node:path';
import type { Engine, Logger, Registry } from '@secateur/core';
import { SecateurError, throwIfAborted } from '@secateur/graph';
import type { Command } from 'commander';
import { exitCodes } from './exit-codes.js';
import type { Io } from './io.js';
import type { FoundConfig } from './plugins/config-file.js';
import type { SharedOptions } from './shared-options.js';
import { type ProgressDisplay, progressDisplay } from './terminal/progress-display.js';

const LARGE_BYTES = 2 ** 28;

/** What the commands of one run share: surroundings, settings, plugins, engine, messages. */
export class Session {
  /** What the program will end with when nothing is thrown. */
  exitCode: number = exitCodes.done;
  config?: FoundConfig;
  private shared: SharedOptions = { json: false, quiet: false, seed: 0, plugin: [] };
  private display?: ProgressDisplay;
  private plugins?: Promise<Registry>;

  constructor(readonly io: Io) {}

  /** Takes over a command's shared options, before its action. */
  begin(command: Command): void {
    this.shared = command.opts<SharedOptions>();
  }

  get signal(): AbortSignal {
    return this.io.signal;
  }

  get options(): SharedOptions {
    return this.shared;
  }

  /** A user's path as one to open; as given where that will do, since messages name it. */
  path(given: string): string {
    return isAbsolute(given) || this.io.cwd === process.cwd() ? given : resolve(this.io.cwd, given);
  }

  /** The same for a model or data, which may also be `zoo:NAME`. */
  source(given: string): string {
    return given.startsWith('zoo:') ? given : this.path(given);
  }

  /** The result: under `--json` the value, otherwise the text. */
  result(value: unknown, text: () => string): void {
    this.progress.stop();
    this.io.stdout.write(this.shared.json ? `${JSON.stringify(value, null, 2)}\n` : `${text()}\n`);
  }

  get progress(): ProgressDisplay {
    this.display ??= progressDisplay(this.io.stderr, this.shared.quiet);
    return this.display;
  }

  /** Progress of writing, for large files alone: small ones are there at once. */
  readonly onWritten = (done: number, total: number): void => {
    if (total >= LARGE_BYTES) this.progress.listener({ phase: 'writing', done, total, unit: 'bytes' });
  };

  get logger(): Logger {
    const { SECATEUR_DEBUG } = this.io.env;
    return {
      debug: (message) => SECATEUR_DEBUG && this.progress.message(`debug: ${message}`),
      info: (message) => !this.shared.quiet && this.progress.message(message),
      warn: (message) => this.progress.message(`warning: ${message}`),
    };
  }

  /** Built-in plugins and those of the configuration and the command line, loaded once. */
  registry(named: readonly string[] = this.shared.plugin): Promise<Registry> {
    this.plugins ??= import('./plugins/load-plugins.js').then(({ loadPlugins }) =>
      loadPlugins({ folder: this.io.cwd, config: this.config, named }),
    );
    return this.plugins;
  }

  /** The engine asked for, or onnxruntime-node where it is installed and onnxruntime-web where it is not. */
  async engine(): Promise<Engine> {
    const { engineNamed } = await import('./engines.js');
    const { engine, threads } = this.shared;
    if (engine !== undefined) return engineNamed(engine, threads);
    try {
      return await engineNamed('ort', threads);
    } catch (error) {
      if (!(error instanceof SecateurError) || error.code !== 'MISSING_DEPENDENCY') throw error;
      this.logger.info('onnxruntime-node is not installed: running on onnxruntime-web, which is slower.');
      return engineNamed('ort-web', threads);
    }
  }

  checkAborted(): void {
    throwIfAborted(this.signal);
  }

  close(): void {
    this.display?.stop();
  }
}

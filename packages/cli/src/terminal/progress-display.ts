import type { Progress, ProgressListener } from '@secateur/core';
import { Presets, SingleBar } from 'cli-progress';
import type { Io } from '../io.js';
import { count } from './numbers.js';

/** Where no bar can be drawn, a line at most this often. */
const LINE_EVERY_MS = 3_000;

/** Shows how far a command is: a bar on a terminal, plain lines elsewhere, nothing when quiet. */
export interface ProgressDisplay {
  readonly listener: ProgressListener;
  /** A line above the bar. */
  message(text: string): void;
  /** Clears the bar. */
  stop(): void;
}

export function progressDisplay(stderr: Io['stderr'], quiet: boolean): ProgressDisplay {
  const message = (text: string) => stderr.write(`${text}\n`);
  if (quiet) return { listener: () => {}, message, stop: () => {} };
  return stderr.isTTY ? barDisplay(stderr) : lineDisplay(message);
}

function lineDisplay(message: (text: string) => void): ProgressDisplay {
  let phase = '';
  let last = 0;
  let began = { at: 0, done: 0 };
  return {
    message,
    stop: () => {},
    listener: (progress) => {
      const now = performance.now();
      const ends = progress.done === progress.total;
      if (progress.phase === phase && !ends && now - last < LINE_EVERY_MS) return;
      // The end of a phase that was announced a moment ago is no news.
      if (ends && progress.phase !== phase) return;
      if (progress.phase !== phase) began = { at: now, done: progress.done };
      phase = progress.phase;
      last = now;
      message(progressText(progress) + leftText(progress, began, now));
    },
  };
}

function barDisplay(stderr: Io['stderr']): ProgressDisplay {
  let bar: SingleBar | undefined;
  let phase = '';
  const stop = () => {
    bar?.stop();
    bar = undefined;
    phase = '';
  };
  return {
    stop,
    message(text) {
      stop();
      stderr.write(`${text}\n`);
    },
    listener: ({ phase: now, done, total, unit, note = '' }) => {
      if (now !== phase) {
        stop();
        phase = now;
        bar = new SingleBar(
          {
            stream: stderr as NodeJS.WriteStream,
            format: `${now.padEnd(12)} {bar} {percentage} %  {value}/{total} ${unit}  {duration_formatted} gone, {eta_formatted} left  {note}`,
            hideCursor: true,
            clearOnComplete: true,
            fps: 10,
            etaBuffer: 20,
          },
          Presets.shades_classic,
        );
        bar.start(total, done, { note });
      } else {
        bar?.setTotal(total);
        bar?.update(done, { note });
      }
      if (done >= total) stop();
    },
  };
}

/** Time left at the pace so far, where there is one: `, about 40 s left`. */
function leftText({ done, total }: Progress, began: { at: number; done: number }, now: number): string {
  if (done <= began.done || done >= total) return '';
  const seconds = Math.ceil((((now - began.at) / (done - began.done)) * (total - done)) / 1000);
  return `, about ${seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`} left`;
}

function progressText({ phase, done, total, unit, note }: Progress): string {
  const share = total > 0 ? ` (${Math.floor((100 * done) / total)} %)` : '';
  const more = note ? `, ${note}` : '';
  return `${phase}: ${count(done)} of ${count(total)} ${unit}${share}${more}`;
}

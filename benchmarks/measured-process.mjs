/** A Node program as a process of its own, with its wall time and its peak resident memory (Linux: VmHWM). */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** Run inside the measured process: prints the peak on its way out. */
const report = `data:text/javascript,
import { readFileSync } from 'node:fs';
process.on('exit', () => {
  const status = readFileSync('/proc/self/status', 'utf8');
  process.stderr.write('peakKib=' + /VmHWM:\\s+(\\d+)/.exec(status)[1] + ' cpuMs=' + process.cpuUsage().user / 1000);
});`;

/**
 * @param args  script and arguments for Node
 * @returns {Promise<{ seconds: number, cpuSeconds: number, peakMb: number, stdout: string }>} user time without that of the system
 */
export function measuredProcess(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, ['--import', report, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code, signal) => {
      const found = /peakKib=(\d+) cpuMs=([\d.]+)/.exec(stderr);
      if (code !== 0 || !found) return reject(new Error(`Ended with ${signal ?? code}: ${stderr}`));
      resolve({
        seconds: (performance.now() - start) / 1000,
        cpuSeconds: Number(found[2]) / 1000,
        peakMb: Number(found[1]) / 1024,
        stdout,
      });
    });
  });
}

/** What results belong to: without it, seconds say nothing. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpus()[0].model.trim()}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `Linux ${release()}`,
    node: process.version,
  };
}

/** Smallest, median and largest. */
export function spread(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted[sorted.length - 1] };
}

export const median = (numbers) => spread(numbers).median;

/** Memory of this process now, in MB: all that is resident, and of it what is not mapped from files. */
export function residentMb() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const mb = (field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)[1]) / 1024;
  return { resident: mb('VmRSS'), anonymous: mb('RssAnon'), peak: mb('VmHWM') };
}

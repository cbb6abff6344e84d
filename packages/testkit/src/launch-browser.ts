import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/**
 * Switches for Chromium. The sandbox needs rights that containers do not give; only our own pages are opened. WebGPU runs
 * on SwiftShader, in software, so that it is there on every machine.
 */
const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/**
 * Launches a Chromium: the one at `SECATEUR_CHROMIUM`, else the one that comes as an npm package (Linux on x64), else an
 * installed Chrome or Edge.
 * @throws {Error} naming what was tried, when none launches
 */
export async function launchBrowser(): Promise<Browser> {
  const tried: string[] = [];
  for (const candidate of await candidates()) {
    try {
      return await chromium.launch({ ...candidate.options, args, headless: true, timeout: 60_000 });
    } catch (error) {
      tried.push(`${candidate.label}: ${firstLine(error)}`);
    }
  }
  throw new Error(tried.join('; '));
}

/** Why no browser launches on this machine, in one line; `undefined` when one does. */
export async function whyNoBrowser(): Promise<string | undefined> {
  try {
    await (await launchBrowser()).close();
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

interface Candidate {
  label: string;
  options: { executablePath: string } | { channel: string };
}

async function candidates(): Promise<Candidate[]> {
  const chosen = process.env.SECATEUR_CHROMIUM;
  if (chosen) return [{ label: `SECATEUR_CHROMIUM=${chosen}`, options: { executablePath: chosen } }];
  const found: Candidate[] = ['chrome', 'msedge'].map((channel) => ({ label: channel, options: { channel } }));
  if (process.platform !== 'linux' || process.arch !== 'x64') return found;
  const { default: bundled } = await import('@sparticuz/chromium');
  const executablePath = await bundled.executablePath();
  if (existsSync(executablePath)) found.unshift({ label: '@sparticuz/chromium', options: { executablePath } });
  return found;
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}

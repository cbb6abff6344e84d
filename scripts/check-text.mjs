// node scripts/check-text.mjs: what must never be committed. Prints file:line and why.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, isMain, root } from './workspace.mjs';

const code = /\.(?:[mc]?[tj]sx?|py|wat)$/;

export const rules = [
  {
    in: /./,
    find: /(?:^|[\s'"`(=:])\/(?:work|root|home\/\w+|Users\/\w+|usr\/share)\//,
    why: "a path of someone's machine",
  },
  { in: /./, find: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: 'unfinished work' },
  { in: code, find: /\bMath\.random\b/, why: 'results must follow from the seed' },
  { in: /\.test\.[mc]?[tj]s$/, find: /\b(?:it|test|describe|suite)\.only\b/, why: 'it leaves all other tests out' },
  {
    in: /lock\.yaml$|\.npmrc$|package\.json$/,
    find: /https?:\/\/[^\s'"]*(?:registry|artifactory|nexus)/,
    why: 'a registry host',
  },
  {
    in: /^packages\/(?!cli\/|testkit\/).*\/src\//,
    find: /\bconsole\./,
    why: 'libraries log through the injected logger',
  },
];

/** This script and its test have to spell out what they look for. */
const exempt = /^scripts\/(?:test\/)?check-text\./;
const binary = /\.(?:safetensors|onnx|gz|png|jpg|wasm|tgz|woff2?)$/;

/** The files git knows or would add; without git every file that is not obviously made by a tool. */
function files(base) {
  try {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: base,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return listed.split('\n').filter((file) => file && existsSync(join(base, file)));
  } catch {
    return filesBelow('.', base, (name) =>
      /^(?:node_modules|dist|\.git|\.turbo|coverage|secateur-quickstart)$/.test(name),
    );
  }
}

/** All findings below `base`, as `file:line: why: text`. */
export function checkText(base = root) {
  const found = [];
  for (const file of files(base)) {
    if (binary.test(file) || exempt.test(file)) continue;
    const applicable = rules.filter((rule) => rule.in.test(file));
    for (const [index, line] of readFileSync(join(base, file), 'utf8').split('\n').entries()) {
      for (const { find, why } of applicable) {
        const match = find.exec(line);
        if (match) found.push(`${file}:${index + 1}: ${why}: ${match[0].trim()}`);
      }
    }
  }
  return found;
}

if (isMain(import.meta.url)) {
  const found = checkText();
  for (const message of found) console.log(message);
  console.log(
    found.length === 0 ? 'No stray paths, notes, random numbers or narrowed tests.' : `${found.length} findings.`,
  );
  process.exit(found.length === 0 ? 0 : 1);
}

import { describe, expect, it } from 'vitest';
import { secateur } from './run-cli.js';

const commands = ['inspect', 'prune', 'sample', 'compare', 'bench', 'check', 'convert', 'init', 'methods', 'plugins'];

describe('run', () => {
  it('prints help on standard output and ends with 0', async () => {
    const { code, stdout, stderr } = await secateur(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it.each(commands)('%s --help has examples and the shared options', async (command) => {
    const { code, stdout } = await secateur([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`$ secateur ${command}`);
    for (const flag of ['--json', '--seed', '--threads', '--engine', '--plugin', '--quiet', '--config']) {
      expect(stdout).toContain(flag);
    }
  });

  it.each([
    [['prune'], /missing required argument|required option/i],
    [['frobnicate'], /unknown command/i],
    [['inspect'], /missing required argument/i],
    [['inspect', 'x', '--nonsense'], /unknown option/i],
    [['inspect', 'x', '--seed', 'soon'], /whole number/i],
    [['inspect', 'x', '--engine', 'abacus'], /allowed choices/i],
    [['bench', 'x', '--rounds', '0'], /whole number/i],
  ])('ends with 2 on wrong usage: %j', async (argv, message) => {
    const { code, stdout, stderr } = await secateur(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it('tells wrong usage as JSON under --json', async () => {
    const { code, stdout, stderr } = await secateur(['inspect', '--json']);
    expect(code).toBe(2);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).error.code).toBe('USAGE');
  });

  it('says what to do without a command', async () => {
    const { code, stderr } = await secateur([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: secateur');
  });

  it('prints the version', async () => {
    const { code, stdout } = await secateur(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('tells an error as code, file, field and hint under --json, with the stack only on request', async () => {
    const plain = await secateur(['inspect', '/nowhere/model', '--json']);
    expect(plain.code).toBe(2);
    expect(plain.stderr).toBe('');
    const { error } = JSON.parse(plain.stdout);
    expect(error).toMatchObject({ code: 'IO', file: '/nowhere/model' });
    expect(error.hint).toContain('.onnx');
    const debug = await secateur(['inspect', '/nowhere/model'], { env: { SECATEUR_DEBUG: '1' } });
    expect(debug.stderr).toMatch(/\n {4}at /);
  });
});

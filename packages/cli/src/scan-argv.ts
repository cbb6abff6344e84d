/** A look at the command line before it can be parsed: which flags there are depends on some of them. */

/** Every value of `--flag VALUE` or `--flag=VALUE`, in order. */
export function flagValues(argv: readonly string[], flag: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < argv.length && argv[i] !== '--'; i++) {
    if (argv[i] === `--${flag}` && i + 1 < argv.length) values.push(argv[++i]!);
    else if (argv[i]!.startsWith(`--${flag}=`)) values.push(argv[i]!.slice(flag.length + 3));
  }
  return values;
}

/** The last value of a flag. */
export function flagValue(argv: readonly string[], flag: string): string | undefined {
  return flagValues(argv, flag).at(-1);
}

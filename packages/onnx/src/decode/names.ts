import { SecateurError } from '@secateur/graph';

/** Names of values: each made once, before it is read. */
export class Names {
  private readonly known = new Set<string>();

  constructor(
    private readonly kind: string,
    private readonly file: string,
  ) {}

  add(name: string): void {
    if (name === '') throw new SecateurError('BAD_FILE', `A ${this.kind} has no name.`, { file: this.file });
    if (this.known.has(name)) {
      throw new SecateurError('BAD_FILE', `Two ${this.kind}s are called ${name}.`, { file: this.file, field: name });
    }
    this.known.add(name);
  }

  require(name: string, reader: string): void {
    if (this.known.has(name)) return;
    throw new SecateurError('BAD_FILE', `${reader} reads "${name}", which nothing before it makes.`, {
      file: this.file,
      field: name,
    });
  }
}

/** Names of nodes are free in ONNX; graphs want each once. */
export function uniqueName(base: string, taken: Set<string>): string {
  let name = base;
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
  taken.add(name);
  return name;
}

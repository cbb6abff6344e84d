import { sizeOf } from '../tensor.js';
import type { GraphIndex } from './graph-index.js';

/** Parameters by the module paths that their checkpoint names say. */
export class Modules {
  /** By value number: the checkpoint name; absent for what is no parameter. */
  private readonly names = new Map<number, string>();
  /** Number of parameters, buffers included, under every path. The root's path is empty. */
  private readonly counts = new Map<string, number>();
  private readonly children = new Map<string, Set<string>>();

  constructor(private readonly index: GraphIndex) {
    for (const [value, { parameter }] of index.graph.constants) {
      if (!parameter) continue;
      this.names.set(index.number(value), parameter.name);
      for (const path of pathsOf(parameter.name)) this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
      const parts = parameter.name.split('.');
      for (let i = 0; i < parts.length; i++) {
        const path = parts.slice(0, i).join('.');
        let children = this.children.get(path);
        if (!children) this.children.set(path, (children = new Set()));
        children.add(parts[i]);
      }
    }
  }

  nameOf(parameter: number): string {
    return this.names.get(parameter)!;
  }

  /** Number of parameters under a path. */
  count(path: string): number {
    return this.counts.get(path) ?? 0;
  }

  /** Paths of modules that hold others: neither the root, nor a list of numbered modules, which computes nothing itself. */
  paths(): string[] {
    return [...this.children]
      .filter(([path, children]) => path !== '' && ![...children].every((child) => /^\d+$/.test(child)))
      .map(([path]) => path);
  }

  under(path: string, parameters: readonly number[]): number[] {
    return path === '' ? [...parameters] : parameters.filter((one) => this.nameOf(one).startsWith(`${path}.`));
  }

  /** The child of a module, as deep as its number where children are numbered, that has most of some parameters. */
  largestChild(path: string, parameters: readonly number[]): string {
    const from = path === '' ? 0 : path.length + 1;
    const sizes = new Map<string, number>();
    for (const parameter of parameters) {
      const parts = this.nameOf(parameter).slice(from).split('.');
      const depth = parts.length > 2 && /^\d+$/.test(parts[1]) ? 2 : 1;
      const child = this.nameOf(parameter).slice(0, from) + parts.slice(0, depth).join('.');
      sizes.set(child, (sizes.get(child) ?? 0) + this.sizeOf(parameter));
    }
    let largest = path;
    for (const [child, size] of sizes) if (size > (sizes.get(largest) ?? -1)) largest = child;
    return largest;
  }

  /** Elements of the parameters, buffers left out. */
  elements(parameters: readonly number[]): number {
    return parameters.reduce((sum, parameter) => sum + this.sizeOf(parameter), 0);
  }

  private sizeOf(parameter: number): number {
    const constant = this.index.graph.constants.get(this.index.names[parameter])!;
    return constant.parameter!.buffer ? 0 : sizeOf(constant.shape);
  }
}

/** Paths of all modules that a tensor lies in, the root's first. */
function pathsOf(name: string): string[] {
  const parts = name.split('.');
  return parts.map((_, i) => parts.slice(0, i).join('.'));
}

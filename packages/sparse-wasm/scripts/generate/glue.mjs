// The JavaScript and the types around a module, laid out and behaving as wasm-pack's are: `bundler`, `web` and `nodejs`.
export const NAME = 'sparse_wasm';

const docs = {
  memory: '/** The memory that all pointers refer to. */',
};

const requireFeatures = (isa, probe) => {
  const [what, hint] =
    isa === 'relaxed'
      ? ['relaxed SIMD', 'use the baseline module in pkg/ instead']
      : ['SIMD', 'it needs Node 16.4, Chrome 91, Firefox 89 or Safari 16.4, or newer'];
  return `function requireFeatures() {
    if (!WebAssembly.validate(new Uint8Array([${probe.join(', ')}]))) {
        throw new Error('This WebAssembly engine has no ${what}, which ${NAME} is made of: ${hint}.');
    }
}`;
};

const wrapper = (name, parameters) => `function ${name}(${parameters.join(', ')}) {
    wasm.${name}(${parameters.join(', ')});
}`;

const plainImports = `function __wbg_get_imports() {
    return {};
}`;

/** At most 1 GiB by default, since a shared memory reserves its maximum; pass a larger one where that is too little. */
const sharedImports = `function __wbg_get_imports(memory) {
    return { env: { memory: memory || new WebAssembly.Memory({ initial: 16, maximum: 16384, shared: true }) } };
}`;

const memoryFunction = `function wasm_memory() {
    return wasm.memory;
}`;

function declarations(functions, types = '') {
  const lines = functions.map(
    ([name, parameters]) => `export function ${name}(${parameters.map((p) => `${p}: number`).join(', ')}): void;`,
  );
  return `/* tslint:disable */
/* eslint-disable */
${docs.memory}
export function wasm_memory(): WebAssembly.Memory;
${lines.join('\n')}
${types}`;
}

function rawTypes(functions) {
  return functions.map(([name, parameters]) => {
    const list = parameters.map((_, i) => `${String.fromCharCode(97 + i)}: number`).join(', ');
    return `readonly ${name}: (${list}) => void;`;
  });
}

function rawDeclarations(functions) {
  const lines = rawTypes(functions).map((line) => line.replace(/^readonly /, 'export const '));
  return `/* tslint:disable */
/* eslint-disable */
export const memory: WebAssembly.Memory;
${lines.join('\n')}
`;
}

function manifest(version, target, extra, files) {
  const common = {
    name: 'sparse-wasm',
    ...(target === 'nodejs' ? {} : { type: 'module' }),
    description: 'WebAssembly kernels for block-sparse diffusion models',
    version,
    license: 'Apache-2.0',
    files,
    main: `${NAME}.js`,
    types: `${NAME}.d.ts`,
    ...extra,
  };
  return `${JSON.stringify(common, null, 2)}\n`;
}

function bundler({ functions, version }) {
  const bg = [memoryFunction, ...functions.map(([name, parameters]) => wrapper(name, parameters))];
  return {
    [`${NAME}.js`]: `import * as wasm from "./${NAME}_bg.wasm";
export * from "./${NAME}_bg.js";
import { __wbg_set_wasm } from "./${NAME}_bg.js";
__wbg_set_wasm(wasm);
`,
    [`${NAME}_bg.js`]: `let wasm;
export function __wbg_set_wasm(val) {
    wasm = val;
}

${bg.map((text) => `export ${text}`).join('\n\n')}
`,
    [`${NAME}.d.ts`]: declarations(functions),
    'package.json': manifest(version, 'bundler', { sideEffects: [`./${NAME}.js`, './snippets/*'] }, [
      `${NAME}_bg.wasm`,
      `${NAME}.js`,
      `${NAME}_bg.js`,
      `${NAME}.d.ts`,
    ]),
  };
}

function web({ functions, isa, probe, isShared, version }) {
  const body = [memoryFunction, ...functions.map(([name, parameters]) => wrapper(name, parameters))];
  return {
    [`${NAME}.js`]: `let wasm;

${body.map((text) => `export ${text}`).join('\n\n')}

${requireFeatures(isa, probe)}

${isShared ? sharedImports : plainImports}

async function __wbg_load(module, imports) {
    if (typeof Response === 'function' && module instanceof Response) {
        if (typeof WebAssembly.instantiateStreaming === 'function') {
            try {
                return await WebAssembly.instantiateStreaming(module, imports);
            } catch (e) {
                if (module.ok && module.headers.get('Content-Type') !== 'application/wasm') {
                    console.warn('\`WebAssembly.instantiateStreaming\` failed because your server does not serve Wasm with \`application/wasm\` MIME type. Falling back to \`WebAssembly.instantiate\` which is slower. Original error:\\n', e);
                } else {
                    throw e;
                }
            }
        }
        const bytes = await module.arrayBuffer();
        return await WebAssembly.instantiate(bytes, imports);
    }
    const instance = await WebAssembly.instantiate(module, imports);
    return instance instanceof WebAssembly.Instance ? { instance, module } : instance;
}

function __wbg_finalize_init(instance, module) {
    wasm = instance.exports;
    __wbg_init.__wbindgen_wasm_module = module;
    return wasm;
}

function isOptions(value, key) {
    return value !== undefined && Object.getPrototypeOf(value) === Object.prototype && key in value;
}

export function initSync(module) {
    if (wasm !== undefined) return wasm;
${isShared ? '    let memory;\n' : ''}    if (isOptions(module, 'module')) {
        ({ module${isShared ? ', memory' : ''} } = module);
    } else if (module !== undefined) {
        console.warn('using deprecated parameters for \`initSync()\`; pass a single object instead');
    }
    requireFeatures();
    if (!(module instanceof WebAssembly.Module)) {
        module = new WebAssembly.Module(module);
    }
    return __wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports(${isShared ? 'memory' : ''})), module);
}

async function __wbg_init(module_or_path) {
    if (wasm !== undefined) return wasm;
${isShared ? '    let memory;\n' : ''}    if (isOptions(module_or_path, ${isShared ? "'module_or_path') || isOptions(module_or_path, 'memory'" : "'module_or_path'"})) {
        ({ module_or_path${isShared ? ', memory' : ''} } = module_or_path);
    } else if (module_or_path !== undefined) {
        console.warn('using deprecated parameters for the initialization function; pass a single object instead');
    }
    requireFeatures();
    if (module_or_path === undefined) {
        module_or_path = new URL('${NAME}_bg.wasm', import.meta.url);
    }
    if (typeof module_or_path === 'string' || (typeof Request === 'function' && module_or_path instanceof Request) || (typeof URL === 'function' && module_or_path instanceof URL)) {
        module_or_path = fetch(module_or_path);
    }
    const { instance, module } = await __wbg_load(await module_or_path, __wbg_get_imports(${isShared ? 'memory' : ''}));
    // A second call may have finished while this one waited: everyone gets the first instance.
    if (wasm !== undefined) return wasm;
    return __wbg_finalize_init(instance, module);
}

export { __wbg_init as default };
`,
    [`${NAME}.d.ts`]: declarations(functions, webTypes(functions, isShared)),
    'package.json': manifest(version, 'web', { sideEffects: ['./snippets/*'] }, [
      `${NAME}_bg.wasm`,
      `${NAME}.js`,
      `${NAME}.d.ts`,
    ]),
  };
}

function webTypes(functions, isShared) {
  const shared = isShared ? ', memory?: WebAssembly.Memory, thread_stack_size?: number' : '';
  return `
export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
${rawTypes(functions)
  .map((line) => `    ${line}`)
  .join('\n')}
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given \`module\`, which can either be bytes or
 * a precompiled \`WebAssembly.Module\`.
 *
 * @param {{ module: SyncInitInput }} module - Passing \`SyncInitInput\` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput${shared} } | SyncInitInput): InitOutput;

/**
 * If \`module_or_path\` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls \`WebAssembly.instantiate\` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing \`InitInput\` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init(module_or_path?: { module_or_path${isShared ? '?' : ''}: InitInput | Promise<InitInput>${shared} } | InitInput | Promise<InitInput>): Promise<InitOutput>;
`;
}

function nodejs({ functions, isa, probe, version }) {
  const body = [['wasm_memory', memoryFunction], ...functions.map(([name, list]) => [name, wrapper(name, list)])];
  return {
    [`${NAME}.js`]: `let wasm;

${body.map(([name, text]) => `${text}\nexports.${name} = ${name};`).join('\n\n')}

${requireFeatures(isa, probe)}

requireFeatures();
const wasmPath = \`\${__dirname}/${NAME}_bg.wasm\`;
const wasmBytes = require('fs').readFileSync(wasmPath);
const wasmModule = new WebAssembly.Module(wasmBytes);
wasm = exports.__wasm = new WebAssembly.Instance(wasmModule, {}).exports;
`,
    [`${NAME}.d.ts`]: declarations(functions),
    'package.json': manifest(version, 'nodejs', {}, [`${NAME}_bg.wasm`, `${NAME}.js`, `${NAME}.d.ts`]),
  };
}

/**
 * Files of one target by name, without the module itself.
 * @param {'bundler' | 'web' | 'nodejs'} target
 * @param {{ functions: [name: string, parameters: string[]][], isa: 'simd' | 'relaxed',
 *   probe: number[], isShared: boolean, version: string }} module
 */
export function glue(target, module) {
  const files = { bundler, web, nodejs }[target](module);
  return { ...files, [`${NAME}_bg.wasm.d.ts`]: rawDeclarations(module.functions) };
}

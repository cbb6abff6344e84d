/**
 * Whether a name was made up by an exporter: `onnx::MatMul_1061`, `/m/Constant_output_0`, `val_12`, `1051`. Anything else
 * that looks like a path of identifiers is taken for a key of the checkpoint.
 */
export function isGeneratedName(name: string): boolean {
  if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) return true;
  return !name.includes('.') && /^\d+$|^(val|const|constant|tmp|tensor|initializer)(_?\d+)*$/i.test(name);
}

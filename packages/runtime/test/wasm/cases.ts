import { constantOf, float32, GraphBuilder, sizeOf, type Tensor } from '@secateur/graph';

/** Values in [-1, 1] without pattern or chance. */
export function wave(shape: readonly number[], phase = 0): Tensor {
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * i + phase)),
  );
}

/** A graph under construction with weights made from their names. */
export class Sketch extends GraphBuilder {
  weight(name: string, shape: readonly number[]): string {
    const scale = 1 / Math.sqrt(sizeOf(shape.slice(1)));
    const { data } = wave(shape, name.length + shape.length);
    const values = Float32Array.from(data as Float32Array, (value) => value * scale);
    return this.constant(name, constantOf(float32(shape, values)));
  }
}

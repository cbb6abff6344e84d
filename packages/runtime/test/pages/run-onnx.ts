import { bytesSource, type Engine } from '@secateur/core';
import { float32, int64, type Tensor } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { wasmEngineInPage, webEngine } from '../../src/web.js';

export interface UnetFeeds {
  sample: Float32Array;
  shape: number[];
  timesteps: number[];
}

export interface UnetRun {
  engine: string;
  describe: string;
  out: Float32Array;
}

/** Reads an ONNX U-Net over HTTP and runs it in the browser, as an app would. */
export async function runUnet(url: string, choice: 'wasm' | 'webgpu' | 'ours', feeds: UnetFeeds): Promise<UnetRun> {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const model = await onnxFormat.load({ file: bytesSource(url, bytes) });
  const engine: Engine =
    choice === 'ours' ? await wasmEngineInPage() : await webEngine({ provider: choice, threads: 2 });
  const unet = await engine.compile(model.graph);
  const inputs: Record<string, Tensor> = {
    sample: float32(feeds.shape, feeds.sample),
    timestep: int64(feeds.timesteps),
  };
  const { out } = await unet.run(inputs);
  await unet.dispose();
  return { engine: engine.name, describe: await engine.describe(), out: out.data as Float32Array };
}

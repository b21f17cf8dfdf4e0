// Load this folder with transformers.js and compare with the outputs that were measured: node try.mjs
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { AutoModel, Tensor, env } from "@huggingface/transformers";

const here = dirname(fileURLToPath(import.meta.url));
env.allowRemoteModels = false;
env.localModelPath = dirname(here);
const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array,
  uint8: Uint8Array, int8: Int8Array, bool: Uint8Array, float16: Uint16Array };
const read = ({ dtype, base64 }) => {
  const bytes = Buffer.from(base64, "base64");
  return new ARRAYS[dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const model = await AutoModel.from_pretrained(basename(here));
let worst = 0;
const golden = JSON.parse(readFileSync(`${here}/golden/outputs.json`, "utf-8"));
for (const { inputs, outputs } of golden) {
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, one]) => [name, new Tensor(one.dtype, read(one), one.shape)]));
  const given = await model(feeds);
  for (const [name, one] of Object.entries(outputs)) {
    const expected = Array.from(read(one), Number), found = Array.from(given[name].data, Number);
    const scale = Math.max(1e-6, ...expected.map(Math.abs));
    worst = Math.max(worst, ...expected.map((value, i) => Math.abs(value - found[i]) / scale));
  }
}
console.log(JSON.stringify({ compared: golden.length, largest_difference: worst }));
process.exitCode = golden.length && worst <= 0.02 ? 0 : 3;

// Runs a written page's own scripts outside a browser, in the page's order: node selftest.mjs FOLDER ASKED.json WORK
// ASKED holds {cases: [{inputs}], prepare: [{text | picture | sound | numbers}]}; what comes of it is printed as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import vm from "node:vm";
import { pathToFileURL } from "node:url";

const [folder, asked, work] = process.argv.slice(2);
const page = readFileSync(`${folder}/index.html`, "utf-8");
let modules = 0;
for (const [, attributes, inline] of page.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)) {
  const source = attributes.match(/src="([^"]+)"/)?.[1];
  if (source?.endsWith("/page.js")) continue; // which needs a document
  if (source) {
    vm.runInThisContext(readFileSync(`${folder}/${source}`, "utf-8"), { filename: source });
    continue;
  }
  const file = `${work}/module-${modules++}.mjs`;
  writeFileSync(file, inline);
  await import(pathToFileURL(file));
}
const fettle = globalThis.fettle, spec = fettle.pipeline;
for (const path of fettle.facts.pieces) vm.runInThisContext(readFileSync(`${folder}/${path}`, "utf-8"), { filename: path });

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array,
  uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
};
const buffer = (base64) => {
  const bytes = Buffer.from(base64, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
};
const read = ({ dtype, shape, base64 }) => ({ data: new ARRAYS[dtype](buffer(base64)), dims: shape, type: dtype });
const write = ({ data, dims, type }) => ({ dtype: type, shape: [...dims], base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") });

const { cases, prepare } = JSON.parse(readFileSync(asked, "utf-8"));
const entry = fettle.mainInput(spec), steps = spec.preprocess;
const tokenizer = steps.kind === "text" ? new globalThis.Tokenizer(fettle.tokenizer, {}) : null;
const prepared = prepare.map((one) => {
  if (one.text !== undefined) return fettle.tokens(tokenizer, one.text, spec);
  if (one.picture) {
    const { data, dims } = read(one.picture);
    const made = fettle.prepared({ height: dims[0], width: dims[1], channels: 3, data }, steps);
    return { [entry.name]: steps.pixels ? made : fettle.tensor(made.data, made.dims, entry.dtype) };
  }
  if (one.sound) {
    const { samples, rate } = fettle.readWav(buffer(one.sound));
    return { [entry.name]: fettle.framed(fettle.resampled(samples, rate, steps.sample_rate_hz), steps, entry.dtype) };
  }
  const { values, dims } = fettle.readNpy(buffer(one.numbers));
  return { [entry.name]: fettle.fromNumbers(values, dims, spec) };
});
const call = await fettle.opened(globalThis.ort, fettle.facts), answers = [];
for (const { inputs } of cases) {
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, read(one)]));
  const outputs = await fettle.run(call, spec, feeds);
  answers.push(write(fettle.answerOf(outputs, spec, fettle.completed(spec, feeds))));
}
const told = prepared.map((feeds) => Object.fromEntries(Object.entries(feeds).map(([name, one]) => [name, write(one)])));
process.stdout.write(JSON.stringify({ answers, prepared: told, node: process.versions.node }));

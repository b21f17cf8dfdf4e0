// Tensors, what goes into inputs that nobody gives, and the model's runs: in one go, in the batch that it wants, or step
// by step (fettle_bundle/pipeline/batches.py, filling.py). A tensor is {data, dims, type}.
"use strict";
((fettle) => {
  const KINDS = {
    float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array,
    uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
  };
  const MAIN_SOURCES = ["image", "input_ids", "audio", "array"];

  /** Any row of numbers as a tensor of `type`. */
  function tensor(values, dims, type) {
    const kind = KINDS[type];
    if (!kind) throw new Error(`This page knows no numbers of the kind ${type}.`);
    if (values instanceof kind) return { data: values, dims, type };
    const big = type === "int64" || type === "uint64";
    return { data: big ? kind.from(values, (one) => BigInt(one)) : kind.from(values, Number), dims, type };
  }

  const count = (dims) => dims.reduce((all, size) => all * size, 1);
  const filled = (value, dims, type) => tensor(Array.from({ length: count(dims) }, () => value), dims, type);

  function mainInput(spec) {
    const found = spec.inputs.filter((entry) => MAIN_SOURCES.includes(entry.source));
    return found.sort((a, b) => MAIN_SOURCES.indexOf(a.source) - MAIN_SOURCES.indexOf(b.source))[0];
  }

  function defaultOf(entry, main, rows) {
    const free = (wanted) => entry.shape.map((size, axis) => (axis === wanted ? rows : (size ?? 1)));
    switch (entry.source) {
      case "constant": return filled(entry.constant ?? 0, entry.shape.map((s, axis) => s ?? (axis === 0 ? rows : 1)), entry.dtype);
      case "initial_state": return filled(0, free(entry.batch_axis), entry.dtype);
      case "attention_mask": return filled(1, main.dims, entry.dtype);
      case "token_type_ids": return filled(0, main.dims, entry.dtype);
      case "position_ids": {
        const last = main.dims.at(-1);
        return tensor(Array.from({ length: count(main.dims) }, (_, at) => at % last), main.dims, entry.dtype);
      }
      default: return null;
    }
  }

  /** The feeds with whatever else the model takes. */
  function completed(spec, feeds) {
    const entry = mainInput(spec), main = feeds[entry.name], done = { ...feeds };
    for (const other of spec.inputs) {
      if (done[other.name] || other.source === "state") continue;
      const value = defaultOf(other, main, main.dims[entry.batch_axis]);
      if (value) done[other.name] = value;
      else if (!other.optional) throw new Error(`The input “${other.name}” is missing.`);
    }
    return done;
  }

  const isBatched = (entry) => entry.batched && entry.shape.length > 0 && entry.source !== "state";

  /** Rows `start` … of what counts items, the last one repeated until there are `size`. */
  function part(spec, feeds, start, size) {
    const cut = { ...feeds };
    for (const entry of spec.inputs) {
      const value = feeds[entry.name];
      if (!value || !isBatched(entry)) continue;
      const rows = value.dims[0], line = value.data.length / rows, data = new value.data.constructor(size * line);
      for (let k = 0; k < size; k++) {
        const row = Math.min(start + k, rows - 1);
        data.set(value.data.subarray(row * line, (row + 1) * line), k * line);
      }
      cut[entry.name] = { data, dims: [size, ...value.dims.slice(1)], type: value.type };
    }
    return cut;
  }

  function joined(parts, rows) {
    const out = {};
    for (const name of Object.keys(parts[0])) {
      const all = parts.map((one) => one[name]);
      const each = all[0].dims.length ? all[0].dims[0] : 1, line = all[0].data.length / each, data = new all[0].data.constructor(rows * line);
      all.forEach((one, at) => data.set(one.data.subarray(0, (Math.min(rows, (at + 1) * each) - at * each) * line), at * each * line));
      out[name] = { data, dims: [rows, ...all[0].dims.slice(1)], type: all[0].type };
    }
    return out;
  }

  /** Outputs by name of one sample. `call` gives a promise of all outputs of one call. */
  async function run(call, spec, given) {
    const feeds = completed(spec, given), main = mainInput(spec), rows = feeds[main.name].dims[main.batch_axis];
    if (Object.keys(spec.links ?? {}).length) return steps(call, spec, feeds, rows);
    const fixed = spec.inputs.filter((entry) => isBatched(entry) && feeds[entry.name]).map((entry) => entry.shape[entry.batch_axis]);
    const size = fixed.find((one) => one) ?? null;
    if (size === null || size === rows) return call(feeds);
    const parts = [];
    for (let start = 0; start < rows; start += size) parts.push(await call(part(spec, feeds, start, size)));
    return joined(parts, rows);
  }

  /** One call a time step; each state gets what the call before gave, zeros at first. */
  async function steps(call, spec, feeds, rows) {
    const zeros = () => Object.fromEntries(spec.inputs.filter((entry) => entry.source === "state")
      .map((entry) => [entry.name, filled(0, entry.shape.map((size) => size || 1), entry.dtype)]));
    const carries = spec.preprocess.carry_state ?? true, states = Object.values(spec.links), parts = [];
    let state = zeros();
    for (let step = 0; step < rows; step++) {
      if (!carries) state = zeros();
      const outputs = await call({ ...part(spec, feeds, step, 1), ...state });
      state = Object.fromEntries(Object.entries(spec.links).map(([name, source]) => [name, outputs[source]]));
      parts.push(Object.fromEntries(Object.entries(outputs).filter(([name]) => !states.includes(name))));
    }
    return joined(parts, rows);
  }

  Object.assign(fettle, { tensor, mainInput, run, completed });
})((globalThis.fettle ??= {}));

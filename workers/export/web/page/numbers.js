// Numbers that somebody types, and files of numpy with one array (NPY).
"use strict";
((fettle) => {
  const KINDS = {
    f4: Float32Array, f8: Float64Array, i8: BigInt64Array, i4: Int32Array, i2: Int16Array, i1: Int8Array,
    u8: BigUint64Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array, b1: Uint8Array,
  };

  /** {values: Array of numbers, dims} of an NPY file's ArrayBuffer. */
  function readNpy(buffer) {
    const bytes = new Uint8Array(buffer);
    if (String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") throw new Error("This is not an NPY file.");
    const wide = bytes[6] > 1, view = new DataView(buffer);
    const length = wide ? view.getUint32(8, true) : view.getUint16(8, true), begin = wide ? 12 : 10;
    const head = new TextDecoder().decode(bytes.subarray(begin, begin + length));
    const [, order, kind] = head.match(/'descr': '([<>|=])(\w\d)'/) ?? [];
    if (!KINDS[kind] || order === ">" || head.includes("'fortran_order': True"))
      throw new Error("This NPY file holds numbers of an unknown type.");
    const dims = head.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((one) => one.trim()).map(Number);
    return { values: Array.from(new KINDS[kind](buffer.slice(begin + length)), Number), dims };
  }

  /** Numbers apart from each other by commas, semicolons, spaces or lines. */
  function typed(text) {
    const words = text.split(/[\s,;]+/).filter(Boolean), values = words.map(Number), wrong = words.find((_, at) => Number.isNaN(values[at]));
    if (wrong !== undefined) throw new Error(`“${wrong}” is not a number.`);
    return values;
  }

  /** The main input of numbers, after what `pipeline.json` says of them (`order`, `swap`, `scale`, `offset`). */
  function fromNumbers(values, dims, spec) {
    const entry = fettle.mainInput(spec), steps = spec.preprocess;
    const wanted = entry.shape.map((size, axis) => (entry.batched && axis === entry.batch_axis ? 1 : size));
    const open = wanted.filter((size) => size === null).length, known = wanted.reduce((all, size) => all * (size ?? 1), 1);
    const told = entry.shape.map((size) => size ?? "any").join(" × ");
    let shape = wanted.map((size) => size ?? values.length / known);
    if (open > 1) shape = dims?.length === wanted.length ? dims : dims?.length === wanted.length - 1 ? [1, ...dims] : [];
    if (shape.reduce((all, size) => all * size, 1) !== values.length || !shape.every(Number.isInteger) || (open > 1 && !shape.length))
      throw new Error(`These are ${values.length} numbers, and the model wants ${told}.`);
    return fettle.tensor(rearranged(values, shape.at(-1) ?? 1, steps), shape, entry.dtype);
  }

  function rearranged(values, last, steps) {
    const from = (at) => {
      const row = at - (at % last), k = at % last;
      if (steps.order === "reversed") return row + last - 1 - k;
      return steps.order === "halves" ? row + ((k - Math.floor(last / 2) + last) % last) : at;
    };
    return values.map((_, at) => {
      const value = values[from(at)];
      return steps.swap !== null && value === steps.swap[0] ? steps.swap[1] : value * steps.scale + steps.offset;
    });
  }

  Object.assign(fettle, { readNpy, typed, fromNumbers });
})((globalThis.fettle ??= {}));

// From the numbers that a model gives to answers that people read (fettle_bundle/pipeline/answers.py, answering.py).
"use strict";
((fettle) => {
  const numbers = (tensor) => Float32Array.from(tensor.data, Number);

  /** Means over the tokens that count, or the first one; then length 1 if asked. Of one sample. */
  function pooled(tensor, spec, feeds) {
    let data = numbers(tensor), dims = [...tensor.dims];
    if (spec.pooling !== "none" && dims.length === 3) {
      const [rows, tokens, width] = dims, out = new Float32Array(rows * width);
      const masked = spec.inputs.find((entry) => entry.source === "attention_mask" && feeds[entry.name]);
      const mask = masked && spec.pooling === "mean" ? Array.from(feeds[masked.name].data, Number) : null;
      for (let row = 0; row < rows; row++) {
        const counts = (at) => (spec.pooling === "cls" ? Number(at === 0) : (mask ? mask[row * tokens + at] : 1));
        let total = 0;
        for (let at = 0; at < tokens; at++) {
          const share = counts(at);
          total += share;
          if (share) for (let k = 0; k < width; k++) out[row * width + k] += data[(row * tokens + at) * width + k] * share;
        }
        for (let k = 0; k < width; k++) out[row * width + k] /= Math.max(total, 1e-9);
      }
      data = out;
      dims = [rows, width];
    }
    if (spec.normalize) {
      const width = dims.at(-1);
      for (let row = 0; row < data.length; row += width) {
        const length = Math.sqrt(data.subarray(row, row + width).reduce((all, one) => all + one * one, 0));
        for (let k = row; k < row + width; k++) data[k] /= Math.max(length, 1e-12);
      }
    }
    return { data, dims, type: "float32" };
  }

  const logistic = (x) => 0.5 * (1 + Math.tanh(0.5 * x));

  function softmax(row) {
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity), powers = row.map((one) => Math.exp(one - most));
    const sum = powers.reduce((all, one) => all + one, 0);
    return powers.map((one) => one / sum);
  }

  function shares(row, spec) {
    if (spec.scores === "probabilities") return row;
    return row.length === 1 || spec.answer_kind !== "class" ? row.map(logistic) : softmax(row);
  }

  const labelOf = (spec, at) => spec.classes?.[at] ?? (spec.answer_kind === "score" ? "score" : `class ${at}`);

  /** The best labels with their shares, of all rows (frames) together; empty for answers that have none. */
  function labels(answer, spec, top = 5) {
    if (!["class", "score", "labels"].includes(spec.answer_kind) || !answer.data.length) return [];
    const width = spec.answer_kind === "score" ? 1 : answer.dims.at(-1), rows = answer.data.length / width, mean = new Array(width).fill(0);
    for (let row = 0; row < rows; row++)
      shares(Array.from(answer.data.subarray(row * width, (row + 1) * width)), spec).forEach((one, at) => { mean[at] += one / rows; });
    return mean.map((share, at) => ({ number: at, label: labelOf(spec, at), share }))
      .sort((a, b) => b.share - a.share || a.number - b.number).slice(0, top);
  }

  /** The answer of one sample as numbers: {data, dims, type}; of a detector rows of boxes, of a mask its classes. */
  function answerOf(outputs, spec, feeds) {
    const steps = spec.postprocess ?? null;
    if (steps?.kind === "boxes") return fettle.boxes(outputs, steps, inputSize(spec, feeds));
    if (steps?.kind === "mask") return fettle.mask(outputs, steps);
    if (steps?.kind === "transcript") return fettle.transcript(outputs, steps);
    const name = spec.outputs.find((entry) => entry.answer).name;
    return pooled(outputs[name], spec, feeds);
  }

  /** [height, width] of the picture in the feeds. */
  function inputSize(spec, feeds) {
    const { dims } = feeds[fettle.mainInput(spec).name], last = spec.preprocess.layout === "nhwc" || spec.preprocess.pixels;
    const sides = last ? dims.slice(1, 3) : dims.slice(2, 4);
    return sides.length === 2 ? sides : [1, 1];
  }

  Object.assign(fettle, { labels, labelOf, answerOf, inputSize, softmax, logistic });
})((globalThis.fettle ??= {}));

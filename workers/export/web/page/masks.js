// Masks (the class of each pixel) and texts out of scores of characters (fettle_bundle/pipeline/postprocess/masks.py,
// mask_pictures.py, transcripts.py). Of one sample.
"use strict";
((fettle) => {
  const BLANKS = ["", "<blank>", "<pad>", "[pad]", "_", "<s>", "</s>", "<unk>", "[unk]"], SPACES = ["|", "<space>", "▁"];

  function cutOf(steps) {
    const share = steps.threshold ?? 0.5;
    return steps.activation === "sigmoid" ? Math.log(share / (1 - share)) : share;
  }

  /** [1, height, width] numbers of classes. */
  function mask(outputs, steps) {
    const { data, dims } = outputs[steps.output], first = steps.planes === "first", cut = Math.fround(cutOf(steps));
    if (steps.planes === "none")
      return { data: Float32Array.from(data, (one) => (steps.threshold === null ? Number(one) : Number(one >= cut))), dims, type: "float32" };
    const planes = first ? dims[1] : dims.at(-1), [height, width] = first ? dims.slice(2) : dims.slice(1, 3), area = height * width;
    const at = (plane, k) => Number(data[first ? plane * area + k : k * planes + plane]);
    const one = planes === 1 || steps.threshold !== null;
    const numbers = Float32Array.from({ length: area }, (_, k) => {
      if (one) return Number(at(planes - 1, k) >= cut);
      let best = 0;
      for (let plane = 1; plane < planes; plane++) if (at(plane, k) > at(best, k)) best = plane;
      return best;
    });
    return { data: numbers, dims: [1, height, width], type: "float32" };
  }

  /** For each pixel of the picture along one axis (0: x) the mask's, −1 where it was not fed. */
  function places(spec, size, axis, fed, count) {
    const { scale, offset } = fettle.placing(...size, spec.preprocess);
    return Array.from({ length: size[axis] }, (_, at) => {
      const found = Math.floor((((at + 0.5) * scale[axis] + offset[axis]) * count) / fed[1 - axis]);
      return found >= 0 && found < count ? found : -1;
    });
  }

  /** The class of each pixel of the person's picture (width × height), 0 for what was cut off before. */
  function laidOver(answer, spec, picture, fed) {
    const [height, width] = answer.dims.slice(-2), size = [picture.width, picture.height];
    const columns = places(spec, size, 0, fed, width), rows = places(spec, size, 1, fed, height), out = new Uint16Array(size[0] * size[1]);
    rows.forEach((row, y) => columns.forEach((column, x) => {
      if (row >= 0 && column >= 0) out[y * size[0] + x] = answer.data[row * width + column];
    }));
    return out;
  }

  /** [{number, label, share}] of the pixels, the most frequent first. */
  function parts(answer, spec) {
    const counts = new Map();
    for (const number of answer.data) counts.set(number, (counts.get(number) ?? 0) + 1);
    return [...counts].map(([number, count]) => ({ number, label: fettle.labelOf(spec, number), share: count / answer.data.length }))
      .sort((a, b) => b.share - a.share);
  }

  /** [1, k] numbers of characters: the best of each moment, without repetitions and blanks. */
  function transcript(outputs, steps) {
    const { data, dims } = outputs[steps.output], width = dims.at(-1), kept = [];
    let before = -1;
    for (let row = 0; row < data.length; row += width) {
      let best = 0;
      for (let k = 1; k < width; k++) if (data[row + k] > data[row + best]) best = k;
      if (best !== before && best !== steps.blank) kept.push(best);
      before = best;
    }
    return { data: Float32Array.from(kept.length ? kept : [-1]), dims: [1, Math.max(kept.length, 1)], type: "float32" };
  }

  function textOf(answer, spec) {
    const names = spec.classes ?? [], spaces = SPACES.filter((one) => one.length > 1 || !names.includes(" "));
    return Array.from(answer.data).filter((k) => k >= 0 && k < names.length).map((k) => names[k])
      .map((one) => (spaces.includes(one) ? " " : one !== "_" && BLANKS.includes(one.toLowerCase()) ? "" : one))
      .join("").split(/\s+/).filter(Boolean).join(" ");
  }

  Object.assign(fettle, { mask, laidOver, parts, transcript, textOf });
})((globalThis.fettle ??= {}));

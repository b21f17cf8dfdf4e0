// Boxes out of a detector's raw outputs (fettle_bundle/pipeline/postprocess/boxes.py): forms of heads, scores, and
// overlapping boxes taken for one thing. Of one picture.
"use strict";
((fettle) => {
  const LEAST_SCORE = 0.01, MOST_CANDIDATES = 1000, COLUMNS = 6;
  const STRIDES = [[8, 16, 32], [8, 16, 32, 64], [4, 8, 16, 32]];
  const ORDERS = {
    box_score_class: [[0, 1, 2, 3], 4, 5],
    class_score_box: [[2, 3, 4, 5], 1, 0],
    box_class_score: [[0, 1, 2, 3], 5, 4],
  };

  /** Rows of numbers of one picture: `front` axes are put before, the first of them is the picture's. */
  function table(tensor, front) {
    const dims = [...new Array(front).fill(1), ...tensor.dims].slice(1), width = dims.length > 1 ? dims[1] : 1;
    return Array.from({ length: dims[0] }, (_, row) => Array.from(tensor.data.subarray(row * width, (row + 1) * width), Number));
  }

  const turned = (rows) => (rows[0] ?? []).map((_, at) => rows.map((row) => row[at]));

  function activated(row, steps) {
    if (steps.activation === "sigmoid") return row.map(fettle.logistic);
    return steps.activation === "softmax" ? fettle.softmax(row) : row;
  }

  function numberOf(value, steps) {
    return (Number.isFinite(value) ? Math.round(value) : 0) - (steps.background === "first" ? 1 : 0);
  }

  /** [{place, scores, kind: number | null, behind}] of every box that the model gives. */
  function heads(outputs, steps) {
    const front = 3 - outputs[steps.boxes].dims.length;
    let rows = table(outputs[steps.boxes], front);
    const behind = (row, last) => (steps.behind === "nothing" ? [] : row.slice(last));
    const kinds = steps.labels ? Array.from(outputs[steps.labels].data, (one) => numberOf(Number(one), steps)) : null;
    switch (steps.form) {
      case "yolo_v8": {
        if (steps.channels === "first") rows = turned(rows);
        const last = steps.classes === null ? rows[0].length : 4 + steps.classes;
        return rows.map((row) => ({ place: row.slice(0, 4), scores: activated(row.slice(4, last), steps), kind: null, behind: behind(row, last) }));
      }
      case "yolo_v5":
      case "yolox": {
        const last = steps.classes === null ? rows[0].length : 5 + steps.classes;
        return rows.map((row) => {
          const sure = activated(row.slice(4, last), steps);
          const scores = sure.length > 1 ? sure.slice(1).map((one) => one * sure[0]) : sure;
          return { place: row.slice(0, 4), scores, kind: null, behind: behind(row, last) };
        });
      }
      case "end_to_end": {
        const [place, score, kind] = ORDERS[steps.columns];
        return rows.map((row) => ({
          place: place.map((at) => row[at]), scores: activated([row[score]], steps), kind: numberOf(row[kind], steps), behind: behind(row, COLUMNS),
        }));
      }
      case "boxes_labels":
        return rows.map((row, at) => ({ place: row.slice(0, 4), scores: activated([row[4]], steps), kind: kinds ? kinds[at] : null, behind: [] }));
      default:
        return beside(rows, outputs, steps, front, kinds);
    }
  }

  /** Places and scores in outputs of their own. */
  function beside(rows, outputs, steps, front, kinds) {
    let scores = table(outputs[steps.scores], front);
    if (scores.length !== rows.length && scores[0].length === rows.length) scores = turned(scores);
    const counted = steps.counts ? Number(outputs[steps.counts].data[0]) : Infinity;
    return rows.map((row, at) => {
      let sure = activated(scores[at], steps);
      if (sure.length > 1 && steps.background !== "none") sure = steps.background === "first" ? sure.slice(1) : sure.slice(0, -1);
      return { place: row, scores: at < counted ? sure : sure.map(() => 0), kind: kinds ? kinds[at] : null, behind: [] };
    });
  }

  /** Column, row and width in pixels of each cell of YOLO's grids, the finest first. */
  function cells([height, width], count) {
    for (const strides of STRIDES) {
      const found = [];
      for (const s of strides)
        for (let y = 0; y < Math.floor(height / s); y++) for (let x = 0; x < Math.floor(width / s); x++) found.push([x, y, s]);
      if (found.length === count) return found;
    }
    throw new Error(`${count} boxes are not one for each cell`);
  }

  const fromCell = ([a, b, c, d], [x, y, s]) => [(a + x) * s, (b + y) * s, Math.exp(Math.min(c, 20)) * s, Math.exp(Math.min(d, 20)) * s];

  function cornersOf([a, b, c, d], corners) {
    if (corners === "cxcywh") return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
    if (corners === "xywh") return [a, b, a + c, b + d];
    return corners === "yxyx" ? [b, a, d, c] : [a, b, c, d];
  }

  function iou(a, b) {
    const wide = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])), high = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
    const area = (one) => Math.max(0, one[2] - one[0]) * Math.max(0, one[3] - one[1]);
    const union = area(a) + area(b) - wide * high;
    return union > 0 ? (wide * high) / union : 0;
  }

  /** Those that stay (greedy non-maximum suppression, class by class); they come in the order of their scores. */
  function withoutCopies(found, most) {
    const kept = [];
    for (const one of found)
      if (!kept.some((other) => other.kind === one.kind && iou(other.corners, one.corners) > most)) kept.push(one);
    return kept;
  }

  /** [1, k, 6 and more]: left, top, right, bottom, score, class, in pixels of the input; the surest first. */
  function boxes(outputs, steps, size) {
    const all = heads(outputs, steps), grid = steps.form === "yolox" ? cells(size, all.length) : null, least = Math.min(LEAST_SCORE, steps.score_threshold);
    const found = all.map((one, at) => ({ ...one, at, score: one.scores.reduce((a, b) => (b > a ? b : a), -Infinity) }))
      .filter((one) => one.score >= least).sort((a, b) => b.score - a.score || a.at - b.at).slice(0, MOST_CANDIDATES)
      .map((one) => {
        const corners = cornersOf(grid ? fromCell(one.place, grid[one.at]) : one.place, steps.corners);
        return {
          ...one,
          kind: one.kind ?? one.scores.indexOf(one.score),
          corners: steps.unit === "shares" ? corners.map((edge, k) => edge * size[1 - (k % 2)]) : corners,
        };
      });
    const kept = (steps.nms_iou === null ? found : withoutCopies(found, steps.nms_iou)).slice(0, steps.most);
    const width = COLUMNS + (all[0]?.behind.length ?? 0);
    const data = Float32Array.from(kept.flatMap((one) => [...one.corners, one.score, one.kind, ...one.behind]));
    return { data, dims: [1, kept.length, width], type: "float32" };
  }

  /** What people see: [{number, name, score, box}] with places in pixels of the picture. */
  function things(answer, spec, picture) {
    const [, count, width] = answer.dims, found = [], { scale, offset } = fettle.placing(picture.width, picture.height, spec.preprocess);
    for (let row = 0; row < count; row++) {
      const [a, b, c, d, score, number] = answer.data.subarray(row * width, row * width + COLUMNS);
      if (score < spec.postprocess.score_threshold) continue;
      const box = [a, b, c, d].map((edge, k) => {
        const most = k % 2 ? picture.height : picture.width;
        return Math.min(most, Math.max(0, (edge - offset[k % 2]) / scale[k % 2]));
      });
      found.push({ number, name: spec.classes?.[number] ?? `class ${number}`, score, box });
    }
    return found;
  }

  Object.assign(fettle, { boxes, things });
})((globalThis.fettle ??= {}));

// Resizing as Pillow does it, to the bit: filters widened where a picture becomes smaller, weights as whole numbers of
// 22 bits, in two passes with 8 bits between (Pillow 13, src/libImaging/Resample.c and Geometry.c).
"use strict";
((fettle) => {
  const BITS = 22;
  const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
  const cubic = (x) => {
    const far = Math.abs(x), a = -0.5;
    if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
    return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
  };
  const FILTERS = {
    bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
    bicubic: { support: 2, weight: cubic },
    lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  };

  /** For each of `wanted` pixels the first of `size` that counts, and whole-number weights of it and its followers. */
  function weights(size, wanted, filter) {
    const scale = size / wanted, wide = Math.max(scale, 1), support = filter.support * wide, found = [];
    for (let at = 0; at < wanted; at++) {
      const center = (at + 0.5) * scale;
      const first = Math.max(0, Math.trunc(center - support + 0.5));
      const count = Math.min(size, Math.trunc(center + support + 0.5)) - first;
      const row = Array.from({ length: count }, (_, k) => filter.weight((k + first - center + 0.5) / wide));
      const sum = row.reduce((all, one) => all + one, 0);
      found.push({
        first,
        row: Int32Array.from(row, (one) => {
          const share = (sum === 0 ? one : one / sum) * 2 ** BITS;
          return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
        }),
      });
    }
    return found;
  }

  const clipped = (sum) => Math.min(255, Math.max(0, Math.floor(sum / 2 ** BITS)));

  function across(picture, width, filter) {
    const { height, channels, data } = picture, out = new Uint8Array(width * height * channels);
    const all = weights(picture.width, width, filter);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const { first, row } = all[x];
        for (let c = 0; c < channels; c++) {
          let sum = 2 ** (BITS - 1), from = (y * picture.width + first) * channels + c;
          for (let k = 0; k < row.length; k++, from += channels) sum += data[from] * row[k];
          out[(y * width + x) * channels + c] = clipped(sum);
        }
      }
    return { width, height, channels, data: out };
  }

  function down(picture, height, filter) {
    const { width, channels, data } = picture, line = width * channels, out = new Uint8Array(line * height);
    weights(picture.height, height, filter).forEach(({ first, row }, y) => {
      for (let x = 0; x < line; x++) {
        let sum = 2 ** (BITS - 1), from = first * line + x;
        for (let k = 0; k < row.length; k++, from += line) sum += data[from] * row[k];
        out[y * line + x] = clipped(sum);
      }
    });
    return { width, height, channels, data: out };
  }

  /** The nearest pixel's number for each of `wanted`; the steps are added up, as Pillow does. */
  function nearest(size, wanted) {
    const step = size / wanted, found = [];
    for (let at = 0, here = step * 0.5; at < wanted; at++, here += step) found.push(Math.trunc(here));
    return found;
  }

  function picked(picture, width, height) {
    const { channels, data } = picture, out = new Uint8Array(width * height * channels);
    const columns = nearest(picture.width, width);
    nearest(picture.height, height).forEach((row, y) => columns.forEach((column, x) => {
      for (let c = 0; c < channels; c++)
        out[(y * width + x) * channels + c] = data[(row * picture.width + column) * channels + c];
    }));
    return { width, height, channels, data: out };
  }

  /** `picture` is {width, height, channels, data: Uint8Array, row by row}; so is what comes back. */
  function resize(picture, width, height, interpolation) {
    if (width === picture.width && height === picture.height) return picture;
    if (interpolation === "nearest") return picked(picture, width, height);
    const filter = FILTERS[interpolation];
    const wider = (one) => (width === one.width ? one : across(one, width, filter));
    const taller = (one) => (height === one.height ? one : down(one, height, filter));
    const less = picture.height - height; // Pillow 13: where much more height than width goes, that goes first
    return less > 0 && less > 2 * (picture.width - width) ? wider(taller(picture)) : taller(wider(picture));
  }

  Object.assign(fettle, { resize });
})((globalThis.fettle ??= {}));

// Pictures as a model wants them, step by step as `pipeline.json` says and as the Python beside this does it
// (fettle_bundle/pipeline/images.py).
"use strict";
((fettle) => {
  const LETTERBOX_GRAY = 114;

  /** Rounded, halves to the even number, as Python rounds. */
  const even = (x) => {
    const low = Math.floor(x), rest = x - low;
    return rest === 0.5 ? (low % 2 === 0 ? low : low + 1) : Math.round(x);
  };

  /** [width, height] after `resize`, without what a letterbox adds. */
  function resized(width, height, steps) {
    const size = steps.resize;
    if (size === null) return [width, height];
    if (typeof size === "number") {
      const other = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
      return width <= height ? [size, other] : [other, size];
    }
    if (size[1] === null) return [Math.max(1, even((width * size[0]) / height)), size[0]];
    if (!steps.letterbox) return [size[1], size[0]];
    const scale = Math.min(size[1] / width, size[0] / height);
    return [Math.max(1, even(width * scale)), Math.max(1, even(height * scale))];
  }

  /** A part of the plane, `value` where the picture does not reach. */
  function cut(picture, left, top, width, height, value) {
    const { channels, data } = picture, out = new Uint8Array(width * height * channels).fill(value);
    for (let y = Math.max(0, -top); y < Math.min(height, picture.height - top); y++) {
      const from = Math.max(0, left), to = Math.min(picture.width, left + width);
      if (from >= to) continue;
      const line = (y + top) * picture.width;
      out.set(data.subarray((line + from) * channels, (line + to) * channels), (y * width + from - left) * channels);
    }
    return { width, height, channels, data: out };
  }

  /** Left and top of what a letterbox adds. */
  const border = (width, height, frame) => [Math.floor((frame[1] - width) / 2), Math.floor((frame[0] - height) / 2)];

  const boxed = (steps) => steps.letterbox && Array.isArray(steps.resize) && steps.resize[1] !== null;
  const sides = (crop) => (typeof crop === "number" ? [crop, crop] : crop);

  function cropped(picture, steps) {
    const [high, wide] = sides(steps.crop);
    let { width, height } = picture, left = 0, top = 0;
    if (wide > width || high > height) { // black around it first
      const across = Math.max(wide - width, 0), down = Math.max(high - height, 0);
      [left, top] = [-Math.floor(across / 2), -Math.floor(down / 2)];
      [width, height] = [width + across, height + down];
    }
    return cut(picture, left + even((width - wide) / 2), top + even((height - high) / 2), wide, high, 0);
  }

  function gray(picture) {
    if (picture.channels === 1) return picture;
    const { width, height, data } = picture, out = new Uint8Array(width * height);
    for (let at = 0, from = 0; at < out.length; at++, from += 3)
      out[at] = (data[from] * 19595 + data[from + 1] * 38470 + data[from + 2] * 7471 + 0x8000) >> 16;
    return { width, height, channels: 1, data: out };
  }

  function colored(picture) {
    if (picture.channels === 3) return picture;
    const data = new Uint8Array(picture.data.length * 3);
    picture.data.forEach((value, at) => data.fill(value, at * 3, at * 3 + 3));
    return { ...picture, channels: 3, data };
  }

  /** The picture resized and cropped, 8 bits. */
  function pixelsOf(picture, steps) {
    let found = steps.channels === "gray" ? gray(picture) : colored(picture);
    if (steps.resize !== null) {
      const [width, height] = resized(found.width, found.height, steps);
      found = fettle.resize(found, width, height, steps.interpolation);
      if (boxed(steps)) {
        const [left, top] = border(width, height, steps.resize);
        found = cut(found, -left, -top, steps.resize[1], steps.resize[0], LETTERBOX_GRAY);
      }
    }
    return steps.crop === null ? found : cropped(found, steps);
  }

  /** One picture through all steps, in single precision as there: a tensor {data, dims, type} of one item. */
  function prepared(picture, steps) {
    const { width, height, channels, data } = pixelsOf(picture, steps);
    if (steps.pixels) return { data, dims: [1, height, width, channels], type: "uint8" };
    const out = new Float32Array(data.length), plane = width * height, one = Math.fround;
    for (let c = 0; c < channels; c++) {
      const from = steps.channels === "bgr" ? channels - 1 - c : c;
      const mean = one(steps.mean[steps.mean.length === 1 ? 0 : c]), std = one(steps.std[steps.std.length === 1 ? 0 : c]);
      for (let at = 0; at < plane; at++) {
        const value = steps.range === "0..1" ? one(data[at * channels + from] / 255) : data[at * channels + from];
        out[steps.layout === "nchw" ? c * plane + at : at * channels + c] = one(one(value - mean) / std);
      }
    }
    const dims = steps.layout === "nchw" ? [1, channels, height, width] : [1, height, width, channels];
    return { data: out, dims, type: "float32" };
  }

  /** Where pixels of a picture lie in the model's input: p · scale + offset, of x and y. */
  function placing(width, height, steps) {
    const [wide, high] = resized(width, height, steps);
    let left = 0, top = 0, framed = [wide, high];
    if (boxed(steps)) {
      [left, top] = border(wide, high, steps.resize);
      framed = [steps.resize[1], steps.resize[0]];
    }
    if (steps.crop !== null) {
      const [tall, broad] = sides(steps.crop);
      left -= even((framed[0] - broad) / 2);
      top -= even((framed[1] - tall) / 2);
    }
    return { scale: [wide / width, high / height], offset: [left, top] };
  }

  /** Red, green, blue and alpha (0 to 255) on white, without alpha. */
  function onWhite(width, height, rgba) {
    const data = new Uint8Array(width * height * 3);
    for (let at = 0, to = 0; at < rgba.length; at += 4, to += 3)
      for (let c = 0; c < 3; c++) {
        const alpha = rgba[at + 3];
        data[to + c] = alpha === 255 ? rgba[at + c] : Math.round((rgba[at + c] * alpha + 255 * (255 - alpha)) / 255);
      }
    return { width, height, channels: 3, data };
  }

  Object.assign(fettle, { prepared, placing, onWhite });
})((globalThis.fettle ??= {}));

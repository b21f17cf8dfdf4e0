// What is laid over a picture: boxes with their names, masks in colors (the colors and sizes of
// fettle_bundle/pipeline/postprocess/things.py).
"use strict";
((fettle) => {
  const COLORS = ["#e8590c", "#1971c2", "#2f9e44", "#9c36b5", "#c92a2a", "#0b7285", "#5f3dc4", "#846358"];
  const MASK_SHARE = 0.55;
  const colorOf = (number) => COLORS[((number % COLORS.length) + COLORS.length) % COLORS.length];
  const maskColor = (number) => colorOf(number - 1);

  function drawThings(canvas, things) {
    const draw = canvas.getContext("2d"), longest = Math.max(canvas.width, canvas.height);
    const width = Math.max(1, Math.round(longest / 320)), size = Math.max(10, Math.round(longest / 45));
    draw.font = `600 ${size}px system-ui, sans-serif`;
    draw.textBaseline = "top";
    draw.lineWidth = width;
    for (const thing of [...things].reverse()) { // the surest on top
      const [left, top, right, bottom] = thing.box, words = `${thing.name} ${thing.score.toFixed(2)}`;
      draw.strokeStyle = draw.fillStyle = colorOf(thing.number);
      draw.strokeRect(left, top, right - left, bottom - top);
      const wide = draw.measureText(words).width + 4 * width, high = size + 3 * width;
      const x = Math.min(Math.max(0, left), Math.max(0, canvas.width - wide)), y = top >= high ? top - high : top;
      draw.fillRect(x, y, wide, high);
      draw.fillStyle = "#fff";
      draw.fillText(words, x + 2 * width, y + 2 * width);
    }
  }

  /** `numbers` holds the class of each pixel of the canvas, 0 for nothing. */
  function drawMask(canvas, numbers) {
    const draw = canvas.getContext("2d"), pixels = draw.getImageData(0, 0, canvas.width, canvas.height), { data } = pixels;
    const known = new Map();
    numbers.forEach((number, at) => {
      if (!number) return;
      if (!known.has(number)) known.set(number, [1, 3, 5].map((k) => parseInt(maskColor(number).slice(k, k + 2), 16)));
      known.get(number).forEach((value, c) => { data[4 * at + c] = MASK_SHARE * value + (1 - MASK_SHARE) * data[4 * at + c]; });
    });
    draw.putImageData(pixels, 0, 0);
  }

  Object.assign(fettle, { drawThings, drawMask, colorOf, maskColor });
})((globalThis.fettle ??= {}));

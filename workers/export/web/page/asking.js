// From what a person gives to what the page shows: one function for each kind of input, one for each kind of answer.
"use strict";
((fettle) => {
  /** The picture as red, green and blue, upright, on white; as the browser decodes it. */
  async function decoded(blob) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" });
    } catch {
      throw new Error("This is not a picture that this browser can show. Try a PNG, JPEG or WebP file.");
    }
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    const draw = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    draw.drawImage(bitmap, 0, 0);
    bitmap.close();
    return fettle.onWhite(canvas.width, canvas.height, draw.getImageData(0, 0, canvas.width, canvas.height).data);
  }

  /** {feeds, picture} of a file or a text. */
  async function given(source, spec, tokenizer) {
    const steps = spec.preprocess, entry = fettle.mainInput(spec);
    if (steps.kind === "text") return { feeds: fettle.tokens(tokenizer, typeof source === "string" ? source : await source.text(), spec) };
    if (steps.kind === "image") {
      const picture = await decoded(source), made = fettle.prepared(picture, steps);
      return { feeds: { [entry.name]: steps.pixels ? made : fettle.tensor(made.data, made.dims, entry.dtype) }, picture };
    }
    if (steps.kind === "audio") {
      const { samples, rate } = fettle.readWav(await source.arrayBuffer());
      return { feeds: { [entry.name]: fettle.framed(fettle.resampled(samples, rate, steps.sample_rate_hz), steps, entry.dtype) } };
    }
    const { values, dims } = typeof source === "string" ? { values: fettle.typed(source) } : fettle.readNpy(await source.arrayBuffer());
    return { feeds: { [entry.name]: fettle.fromNumbers(values, dims, spec) } };
  }

  /** What is told of an answer: {kind, words, rows: [{label, share, number}], …}. */
  function told(answer, spec, { feeds, picture }) {
    if (spec.postprocess?.kind === "boxes") {
      const things = fettle.things(answer, spec, picture);
      return { kind: "boxes", words: `${things.length} found`, things, rows: things.map((one) => ({ label: one.name, share: one.score, number: one.number })) };
    }
    if (spec.answer_kind === "transcript") return { kind: "text", words: fettle.textOf(answer, spec) || "It reads nothing.", rows: [] };
    const rows = fettle.labels(answer, spec);
    if (rows.length) return { kind: "labels", words: rows[0].label, rows };
    if (spec.answer_kind === "mask" && picture) {
      const laid = fettle.laidOver(answer, spec, picture, fettle.inputSize(spec, feeds));
      return { kind: "mask", words: "Parts of the picture", laid, rows: fettle.parts(answer, spec) };
    }
    return { kind: "numbers", words: `${answer.data.length.toLocaleString("en")} numbers`, rows: [], values: Array.from(answer.data), dims: answer.dims };
  }

  /** The whole way; `call` runs the model. `seconds` is what the model took, without reading and decoding. */
  async function ask(call, source, spec, tokenizer) {
    const input = await given(source, spec, tokenizer), began = performance.now();
    const outputs = await fettle.run(call, spec, input.feeds), seconds = (performance.now() - began) / 1000;
    const feeds = fettle.completed(spec, input.feeds);
    return { ...told(fettle.answerOf(outputs, spec, feeds), spec, { feeds, picture: input.picture }), picture: input.picture, seconds };
  }

  Object.assign(fettle, { ask });
})((globalThis.fettle ??= {}));

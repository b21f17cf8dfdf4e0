// WAV files as a model wants them (fettle_bundle/pipeline/audio.py): mixed to one channel, resampled by a polyphase
// filter (a Kaiser-windowed sinc, β = 5, ten zero crossings, as scipy.signal.resample_poly), cut into frames.
"use strict";
((fettle) => {
  const PCM = 1, FLOAT = 3, EXTENSIBLE = 0xfffe;
  const word = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((k) => view.getUint8(at + k)));

  function reader(view, kind, bits) {
    const width = bits / 8;
    if (kind === FLOAT && width === 4) return (at) => view.getFloat32(at, true);
    if (kind === FLOAT && width === 8) return (at) => view.getFloat64(at, true);
    if (kind === PCM && width === 1) return (at) => (view.getUint8(at) - 128) / 128;
    if (kind === PCM && width === 2) return (at) => view.getInt16(at, true) / 2 ** 15;
    if (kind === PCM && width === 3) return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23;
    if (kind === PCM && width === 4) return (at) => view.getInt32(at, true) / 2 ** 31;
    throw new Error(`This WAV file is of a kind that is not known here (format ${kind}, ${bits} bits).`);
  }

  /** {samples: Float32Array in −1..1, rate in Hz} of a file's ArrayBuffer. */
  function readWav(buffer) {
    const view = new DataView(buffer);
    if (buffer.byteLength < 12 || word(view, 0) !== "RIFF" || word(view, 8) !== "WAVE") throw new Error("This is not a WAV file.");
    let layout = null, body = null;
    for (let at = 12; at + 8 <= buffer.byteLength; ) {
      const size = view.getUint32(at + 4, true), chunk = { at: at + 8, size: Math.min(size, buffer.byteLength - at - 8) };
      if (word(view, at) === "fmt ") layout = chunk;
      else if (word(view, at) === "data") body = chunk;
      at += 8 + size + (size & 1);
    }
    if (layout === null || layout.size < 16 || body === null) throw new Error("This WAV file is damaged: it has no sound in it.");
    let kind = view.getUint16(layout.at, true);
    const channels = view.getUint16(layout.at + 2, true), rate = view.getUint32(layout.at + 4, true);
    const bits = view.getUint16(layout.at + 14, true);
    if (kind === EXTENSIBLE && layout.size >= 26) kind = view.getUint16(layout.at + 24, true);
    if (!channels || !rate) throw new Error("This WAV file is damaged: it names no channels or no sample rate.");
    const read = reader(view, kind, bits), width = bits / 8, samples = new Float32Array(Math.floor(body.size / width / channels));
    for (let at = 0; at < samples.length; at++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += Math.fround(read(body.at + (at * channels + c) * width));
      samples[at] = sum / channels;
    }
    return { samples, rate };
  }

  const gcd = (a, b) => (b ? gcd(b, a % b) : a);
  const bessel = (x) => { // I0 by its series
    let sum = 1, part = 1;
    for (let k = 1; part > 1e-18 * sum; k++) sum += part *= (x / 2 / k) ** 2;
    return sum;
  };

  function resampled(samples, rate, wanted) {
    if (rate === wanted || !samples.length) return samples;
    const up = wanted / gcd(rate, wanted), down = rate / gcd(rate, wanted), most = Math.max(up, down), half = 10 * most;
    const taps = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
      const x = (k - half) / most;
      return (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)) * (bessel(5 * Math.sqrt(1 - (k / half - 1) ** 2)) / bessel(5));
    });
    const scale = up / taps.reduce((all, one) => all + one, 0);
    const out = new Float32Array(Math.ceil((samples.length * up) / down));
    for (let n = 0; n < out.length; n++) {
      const at = n * down;
      let sum = 0;
      for (let k = Math.max(0, Math.ceil((at - half) / up)); k <= Math.min(samples.length - 1, Math.floor((at + half) / up)); k++)
        sum += samples[k] * taps[at - k * up + half];
      out[n] = sum * scale;
    }
    return out;
  }

  /** [frames, context + frame]: each row begins with the last samples of the row before, zeros at first. */
  function framed(samples, steps, type) {
    const frame = steps.frame_samples || Math.max(samples.length, 1), context = steps.context_samples;
    const count = Math.max(Math.ceil(samples.length / frame), 1), width = context + frame;
    const filled = new Float32Array(context + count * frame), scale = Math.fround(steps.scale);
    samples.forEach((value, at) => { filled[context + at] = value * scale; });
    const out = new Float32Array(count * width);
    for (let row = 0; row < count; row++) out.set(filled.subarray(row * frame, row * frame + width), row * width);
    return fettle.tensor(type.startsWith("float") ? out : out.map((value) => Math.round(value)), [count, width], type);
  }

  Object.assign(fettle, { readWav, resampled, framed });
})((globalThis.fettle ??= {}));

// Measures the page's model on this device: warm-up, then timed requests of the golden inputs, whose predictions go back
// once to the computer that shows the code. It runs before page.js, which starts the model.
"use strict";
((fettle) => {
  const spec = fettle.pipeline, opened = fettle.opened;
  const WARM_MS = 2000, WARM_RUNS = 2, SAMPLE_MS = 20, SAMPLES = 40, LEAST_SAMPLES = 3, TIMED_MS = 15000, TELL_MS = 1500, TRIES = 10, TRY_MS = 2000;
  const ARRAYS = {
    float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array,
    uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
  };

  const panel = document.createElement("section"), line = document.createElement("p"), hint = document.createElement("p");
  const title = document.createElement("h2"), bar = document.createElement("progress");
  title.textContent = "Measuring on this device";
  line.id = "measured";
  hint.textContent = "Keep this page open and the screen on. Times and answers to test inputs go to the computer that shows the code.";
  panel.append(title, line, bar, hint);
  document.querySelector("main h1").after(panel);
  document.getElementById("drop").hidden = true;
  document.querySelector("footer p").textContent = "The model runs in this page, on this device. What you drop on it does not leave it.";

  const say = (words) => { line.textContent = words; };
  const moment = () => new Promise((done) => setTimeout(done));
  const send = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });

  function read({ dtype, shape, base64 }) {
    const raw = atob(base64), bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    return { data: new ARRAYS[dtype](bytes.buffer), dims: shape, type: dtype };
  }

  function written({ data, dims, type }) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength), parts = [];
    for (let at = 0; at < bytes.length; at += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
    return { dtype: type, shape: [...dims], base64: btoa(parts.join("")) };
  }

  let wasHidden = false, told = 0;
  document.addEventListener("visibilitychange", () => { wasHidden ||= document.hidden; });

  async function tell(done, force = false) {
    bar.max = SAMPLES;
    bar.value = done;
    if (!force && performance.now() - told < TELL_MS) return;
    told = performance.now();
    await send("/progress", { done, total: SAMPLES }).catch(() => {});
  }

  /** Mean time of one request in each sample, in ms. A sample of several requests outlasts the browser's coarse clock. */
  async function timed(request) {
    const began = performance.now();
    let runs = 0, late = 0, from = began; // the second half of the warm-up tells how long one request takes
    while (runs < WARM_RUNS || performance.now() - began < WARM_MS) {
      if (performance.now() - began < WARM_MS / 2) [late, from] = [runs, performance.now()];
      await request(runs++);
      await tell(0);
    }
    const one = (performance.now() - from) / (runs - late), each = Math.max(1, Math.ceil(SAMPLE_MS / Math.max(one, 0.01)));
    const times = [], start = performance.now();
    let at = 0;
    while (times.length < SAMPLES && (times.length < LEAST_SAMPLES || performance.now() - start < TIMED_MS)) {
      wasHidden = document.hidden;
      const from = performance.now();
      for (let k = 0; k < each; k++) await request(at++);
      const time = (performance.now() - from) / each;
      if (!wasHidden && time > 0) times.push(time); // a page in the background is slowed down
      say(`Request ${times.length * each} of ${SAMPLES * each} …`);
      await tell(times.length);
      await moment();
    }
    return { times, each };
  }

  /** A network of phones is lost now and then. */
  async function deliver(value) {
    for (let left = TRIES; ; left--) {
      try {
        return await send("/result", value);
      } catch (error) {
        if (!left) throw error;
        say("Waiting for the network …");
        await new Promise((done) => setTimeout(done, TRY_MS));
      }
    }
  }

  function finish(words) {
    title.textContent = "Measured on this device";
    say(`${words} Fettle shows the result. You can try the model below.`);
    bar.hidden = hint.hidden = true;
    panel.dataset.done = "yes";
    document.getElementById("drop").hidden = false;
  }

  async function measure(call) {
    say("Warming up …");
    await tell(0, true);
    const cases = (await (await fetch("/cases")).json())
      .map((inputs) => Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, read(one)])));
    const { times, each } = await timed((at) => fettle.run(call, spec, cases[at % cases.length]));
    const predictions = [];
    for (const feeds of cases) {
      const outputs = await fettle.run(call, spec, feeds);
      predictions.push(written(fettle.answerOf(outputs, spec, fettle.completed(spec, feeds))));
    }
    const reply = await deliver({ times_ms: times, calls_each: each, predictions });
    if (reply.status === 409) return finish("It was measured before.");
    if (reply.status !== 200) throw new Error("Fettle did not take the result.");
    const { n_alike, n_predictions } = await reply.json(), median = times.sort((a, b) => a - b)[times.length >> 1];
    finish(`${median.toPrecision(3)} ms for one answer; ${n_alike} of ${n_predictions} test answers are alike.`);
  }

  function fail(error) {
    say(`It could not be measured here: ${error.message}`);
    panel.dataset.failed = "yes";
  }

  fettle.opened = async (...given) => {
    try {
      const call = await opened(...given);
      setTimeout(() => measure(call).catch(fail));
      return call;
    } catch (error) {
      fail(error);
      await send("/progress", { failed: true }).catch(() => {});
      throw error;
    }
  };
  say("Reading the model …");
  tell(0, true);
})(globalThis.fettle);

// The page itself: reads the model, takes what a person gives, shows the answer. Nothing leaves it.
"use strict";
((fettle) => {
  const { facts, pipeline: spec } = fettle, kind = spec.preprocess.kind, at = (id) => document.getElementById(id);
  const WANTED = {
    image: { title: "Drop a picture here", files: "image/*" },
    text: { title: "Write a text, or drop a text file here", files: ".txt,text/plain" },
    audio: { title: "Drop a sound here (WAV file)", files: ".wav,audio/wav" },
    array: { title: "Type the numbers, or drop a file of numbers (NPY) here", files: ".npy" },
  };
  const MOST_NUMBERS = 60, SMALL_PIXELS = 200;
  let call = null, tokenizer = null, waiting = null, busy = false;

  function make(name, words, look) {
    const one = document.createElement(name);
    if (words !== undefined) one.textContent = words;
    if (look) one.className = look;
    return one;
  }

  /** Never 0 or 100 where it is not exactly that. */
  function percent(share) {
    const value = 100 * share;
    if (value === 0 || value === 100) return `${value} %`;
    if (value < 0.01) return "under 0.01 %";
    if (value < 0.1) return `${value.toPrecision(2)} %`;
    const digits = [1, 2].find((count) => Number(value.toFixed(count)) !== 100);
    return digits ? `${value.toFixed(digits)} %` : "over 99.99 %";
  }

  function say(words, look = "") {
    at("status").textContent = words;
    at("status").className = look;
  }

  const script = (path) => new Promise((done, failed) => {
    const one = document.createElement("script");
    one.src = path;
    one.onload = () => (one.remove(), done());
    one.onerror = () => failed(new Error(`${path} is not beside this page. Unpack the whole folder, then open index.html in it.`));
    document.head.append(one);
  });

  const moment = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

  async function begin() {
    try {
      for (const [number, path] of facts.pieces.entries()) {
        say(`Reading the model, part ${number + 1} of ${facts.pieces.length} …`);
        await script(path);
      }
      say("Starting the model …");
      await moment();
      if (kind === "text") tokenizer = new globalThis.Tokenizer(fettle.tokenizer, {});
      call = await fettle.opened(globalThis.ort, facts);
      say("Ready. Your input does not leave this page.");
      document.body.dataset.ready = "yes";
      if (waiting !== null) await take(waiting);
    } catch (error) {
      say(`The model could not be started here: ${error.message}`, "bad");
    }
  }

  async function take(source) {
    if (call === null || busy) {
      waiting = source; // as soon as it is ready
      return;
    }
    waiting = null;
    busy = true;
    say("Working …");
    await moment();
    try {
      show(await fettle.ask(call, source, spec, tokenizer));
      say("Ready. Your input does not leave this page.");
    } catch (error) {
      at("answer").hidden = true;
      say(error.message, "bad");
    }
    busy = false;
    if (waiting !== null) await take(waiting);
  }

  function bars(found) {
    const list = make("ul", undefined, "bars");
    for (const row of found.rows.slice(0, found.kind === "boxes" ? 50 : 10)) {
      const item = make("li"), name = make("span", row.label, "name"), share = make("span", percent(row.share), "share"), bar = make("i");
      bar.style.width = `${100 * Math.min(1, Math.max(0, row.share))}%`;
      if (found.kind === "boxes") bar.style.background = fettle.colorOf(row.number);
      if (found.kind === "mask") bar.style.background = row.number ? fettle.maskColor(row.number) : "";
      const track = make("b");
      track.append(bar);
      item.append(name, share, track);
      list.append(item);
    }
    return list;
  }

  function pictured(found) {
    const canvas = make("canvas"), { width, height, data } = found.picture;
    [canvas.width, canvas.height] = [width, height];
    const draw = canvas.getContext("2d"), pixels = draw.createImageData(width, height);
    for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
      pixels.data.set(data.subarray(from, from + 3), to);
      pixels.data[to + 3] = 255;
    }
    draw.putImageData(pixels, 0, 0);
    const times = Math.floor(SMALL_PIXELS / Math.max(width, height));
    if (times > 1) { // a picture of a few pixels is shown larger
      canvas.style.width = `${times * width}px`;
      canvas.style.imageRendering = "pixelated";
    }
    if (found.things) fettle.drawThings(canvas, found.things);
    if (found.laid) fettle.drawMask(canvas, found.laid);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Your picture: ${found.words}`);
    return canvas;
  }

  function numbers(found) {
    const shown = found.values.slice(0, MOST_NUMBERS).map((one) => one.toPrecision(5)).join("  ");
    const more = found.values.length > MOST_NUMBERS ? ` … and ${(found.values.length - MOST_NUMBERS).toLocaleString("en")} more` : "";
    return make("pre", `${shown}${more}`);
  }

  function show(found) {
    const parts = [make("h2", "The answer"), make("p", found.words, "best")];
    if (found.picture) parts.splice(1, 0, pictured(found));
    if (found.rows.length) parts.push(bars(found));
    if (found.kind === "labels" || found.kind === "boxes") parts.push(make("p", "The shares are the model’s own estimate of how sure it is.", "note"));
    if (found.values) parts.push(numbers(found), make("p", `Shape ${found.dims.join(" × ")}. This model answers with numbers, not with words.`, "note"));
    parts.push(make("p", `Answered in ${found.seconds < 1 ? `${(1000 * found.seconds).toFixed(0)} ms` : `${found.seconds.toFixed(1)} s`}, here in this browser.`, "note"));
    at("answer").replaceChildren(...parts);
    at("answer").hidden = false;
    // for programs that read this page
    at("answer").dataset.answer = JSON.stringify({ kind: found.kind, words: found.words, rows: found.rows, values: found.values?.slice(0, 10_000), things: found.things });
  }

  function listen() {
    const drop = at("drop"), file = at("file"), typed = kind === "text" || kind === "array";
    at("wanted").textContent = WANTED[kind].title;
    file.accept = WANTED[kind].files;
    at("typed").hidden = !typed;
    file.onchange = () => file.files.length && take(file.files[0]);
    at("choose").onclick = () => file.click();
    at("ask").onclick = () => at("words").value.trim() && take(at("words").value);
    at("words").onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").click(); };
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => (event.preventDefault(), drop.classList.add("over")));
    for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => (event.preventDefault(), drop.classList.remove("over")));
    document.addEventListener("drop", (event) => event.dataTransfer.files.length && take(event.dataTransfer.files[0]));
    document.addEventListener("paste", (event) => event.clipboardData.files.length && take(event.clipboardData.files[0]));
  }

  listen();
  begin();
})(globalThis.fettle);

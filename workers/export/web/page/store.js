// The model and the engine as they lie beside this page: base64 in scripts, since browsers let a page that was opened
// from a folder load scripts and nothing else.
"use strict";
((fettle) => {
  const pieces = new Map();

  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    return bytes;
  }

  /** What each of those scripts calls. */
  function piece(name, text) {
    pieces.set(name, [...(pieces.get(name) ?? []), bytesOf(text)]);
  }

  /** A whole file, which is then no longer kept here. */
  function whole(name) {
    const parts = pieces.get(name) ?? [], all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
    parts.reduce((at, one) => (all.set(one, at), at + one.length), 0);
    pieces.delete(name);
    return all;
  }

  /** A session in the engine `ort`, which holds one thread: a page from a folder may start no others. */
  async function opened(ort, facts) {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = whole("engine.wasm");
    ort.env.logLevel = "error";
    const externalData = facts.beside.map((path) => ({ path, data: whole(path) }));
    const session = await ort.InferenceSession.create(whole(facts.model), {
      executionProviders: ["wasm"], graphOptimizationLevel: facts.optimization, ...(externalData.length ? { externalData } : {}),
    });
    return async (feeds) => {
      const taken = session.inputNames.filter((name) => feeds[name]);
      return session.run(Object.fromEntries(taken.map((name) => [name, new ort.Tensor(feeds[name].type, feeds[name].data, feeds[name].dims)])));
    };
  }

  Object.assign(fettle, { piece, opened });
})((globalThis.fettle ??= {}));

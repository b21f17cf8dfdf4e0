// Texts as tokens (fettle_bundle/pipeline/texts.py), by the tokenizer.json of the model and @huggingface/tokenizers.
"use strict";
((fettle) => {
  const PAD_TOKENS = ["[PAD]", "<pad>", "<|endoftext|>", "</s>"];

  /** Numbers of at most `max_length` tokens; what marks beginning and end stays where the text is cut. */
  function idsOf(engine, text, steps) {
    const plain = engine.encode(text, { add_special_tokens: false }).ids;
    if (!steps.special_tokens) return plain.slice(0, steps.max_length);
    const ids = engine.encode(text, { add_special_tokens: true }).ids, marks = ids.length - plain.length;
    if (ids.length <= steps.max_length) return ids;
    let before = 0; // whatever stands in front of the text's own tokens
    while (before < marks && plain.some((id, at) => ids[before + at] !== id)) before++;
    const kept = plain.slice(0, Math.max(0, steps.max_length - marks));
    return [...ids.slice(0, before), ...kept, ...ids.slice(before + plain.length)];
  }

  /** Tensors of one row by input name, filled up where the model's length is fixed. */
  function tokens(engine, text, spec) {
    const steps = spec.preprocess;
    const ids = idsOf(engine, steps.lowercase ? text.toLowerCase() : text, steps);
    const pad = PAD_TOKENS.map((one) => engine.token_to_id(one)).find((id) => id !== undefined) ?? 0;
    const rows = {
      input_ids: ids,
      attention_mask: ids.map(() => 1),
      token_type_ids: ids.map(() => 0),
      position_ids: ids.map((_, at) => at),
    };
    const feeds = {};
    for (const entry of spec.inputs) {
      const row = rows[entry.source];
      if (!row) continue;
      const length = entry.shape.length > 1 ? entry.shape[1] : null, fill = entry.source === "input_ids" ? pad : 0;
      const full = length === null ? row : Array.from({ length }, (_, at) => row[at] ?? fill);
      feeds[entry.name] = fettle.tensor(full, [1, full.length], entry.dtype);
    }
    return feeds;
  }

  Object.assign(fettle, { tokens });
})((globalThis.fettle ??= {}));

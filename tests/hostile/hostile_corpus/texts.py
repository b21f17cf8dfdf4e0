"""Cards, templates, labels, pictures: what comes along with a model, and other programs' formats."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence

from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.safetensors_files import NUMBERS, ONE, file_of

CARD = b"""# Card
![t](http://127.0.0.1:9/track.png)
<img src='http://127.0.0.1:9/t2.png'>
<img src='file:///etc/passwd'>
[open](file:///etc/passwd) [js](javascript:alert(1)) [unc](file://127.0.0.1/share/x)
<iframe src=http://127.0.0.1:9></iframe><script>1</script>
"""
SVG = (
    b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text>'
    b'<image href="http://127.0.0.1:9/x.png"/></svg>'
)


def write(corpus: Corpus) -> None:
    _formats(corpus)
    _templates(corpus)
    _cards(corpus)
    _inputs(corpus)


def _stored(items: Sequence[tuple[str, bytes | str]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in items:
            archive.writestr(name, content)
    return data.getvalue()


def _formats(corpus: Corpus) -> None:
    layer = {"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None]}}
    config = {"class_name": "Functional", "config": {"layers": [layer]}}
    keras = _stored([("config.json", json.dumps(config)), ("metadata.json", "{}")])
    ref = "CVE-2024-3660, CVE-2025-1550"
    corpus.put("keras_lambda.keras", keras, "Keras Lambda layer", "other", REFUSE, ref=ref, attack=True)
    gguf = b"GGUF" + struct.pack("<IQQ", 3, 1, 2**63)
    ref = "Databricks/Talos GGUF 2024"
    corpus.put("gguf_kv_2e63.gguf", gguf, "GGUF n_kv 2^63", "other", REFUSE, ref=ref)
    config = {"model_type": "x", "auto_map": {"AutoModel": "modeling_evil.M"}}
    folder = _stored(
        [
            ("config.json", json.dumps(config)),
            ("modeling_evil.py", corpus.python("hf_auto_map")),
            ("model.safetensors", file_of({"a": ONE}, NUMBERS)),
        ]
    )
    note = ".py never imported; show 'contains code, ignored'"
    corpus.put("hf_auto_map.zip", folder, "trust_remote_code folder", "text", OPEN, note=note, attack=True)


def _templates(corpus: Corpus) -> None:
    command = corpus.shell("chat_template_ssti")
    call = "{{ cycler.__init__.__globals__.os.popen('" + command + "').read() }}"
    ref, note = "CVE-2024-34359 (llama-cpp-python)", "never render, or ImmutableSandboxedEnvironment in the worker"
    data = json.dumps({"chat_template": call}).encode()
    kind = "Jinja SSTI in chat template"
    corpus.put("chat_template_ssti.json", data, kind, "text", REFUSE, ref=ref, note=note, attack=True)
    endless = "{% for a in range(99999999) %}{% for b in range(99999999) %}x{% endfor %}{% endfor %}"
    data = json.dumps({"chat_template": endless}).encode()
    corpus.put("chat_template_dos.json", data, "Jinja endless template", "text", REFUSE)
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    tokenizer = {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": split}
    note = "only in the worker with a time limit"
    data = json.dumps(tokenizer).encode()
    corpus.put("tokenizer_redos.json", data, "tokenizer regex ReDoS", "text", OPEN, note=note)


def _cards(corpus: Corpus) -> None:
    def put(name: str, data: bytes, kind: str, note: str = "", attack: bool | None = None) -> None:
        corpus.put(f"card_{name}", data, kind, "text", OPEN, note=note, attack=attack)

    note = "0 network requests, 0 file reads, links need a confirm with the full URL"
    put("remote_image.md", CARD, "model card: remote/file images and links", note)
    command = corpus.shell("card_yaml_python").encode()
    tagged = b"---\nlicense: !!python/object/apply:os.system ['" + command + b"']\n---\n# x\n"
    put("yaml_python.md", tagged, "YAML python tag in card", "yaml.safe_load only", attack=True)
    lines = [b"a: &a [x,x,x,x,x,x,x,x,x]\n"]
    lines += [b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)]
    put("yaml_bomb.md", b"---\n" + b"".join(lines) + b"---\n# x\n", "YAML billion laughs")
    deep = b">" * 50000 + b" x\n" + b"[" * 50000
    put("deep_markdown.md", deep, "markdown nested 50 000 deep", "cap size/depth before QTextDocument")
    kind = (
        "30 nested HTML tables: QTextDocument layout is exponential "
        "(measured: 18 levels 1.9 s, 22 levels > 20 s GUI freeze)"
    )
    note = "render markdown with MarkdownNoHTML only, never setHtml/QLabel AutoText on foreign text"
    put("nested_tables_30.html", b"<table><tr><td>" * 30 + b"x", kind, note)
    kind = "50 000 nested <div> (QTextBrowser.setHtml froze > 25 s)"
    put("html_div_50k.html", b"<div>" * 50000 + b"x", kind, "same")
    put("10MB_line.md", b"A" * (10 << 20), "10 MB single line", "cap shown length")


def _inputs(corpus: Corpus) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 6, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * (1 << 20)))
    bomb = b"\x89PNG\r\n\x1a\n" + header + pixels + b"\0\0\0\0IEND\xaeB`\x82"
    corpus.put("img_png_bomb.png", bomb, "PNG claims 60000x60000", "input", REFUSE)
    corpus.put("img_svg_xxe.svg", SVG, "SVG with XXE and remote image", "input", REFUSE)
    cut = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\0" * 20
    corpus.put("img_truncated.jpg", cut, "truncated JPEG", "input", REFUSE)
    table = b'label\n=HYPERLINK("http://127.0.0.1:9")\n@SUM(1)\n'
    kind, note = "CSV formula injection in labels", "escape on export"
    corpus.put("csv_formula.csv", table, kind, "input", OPEN, note=note)
    kind, note = "labels file not UTF-8", "decode with replacement"
    corpus.put("labels_not_utf8.txt", b"caf\xe9\n\xff\xfe\n", kind, "input", OPEN, note=note)

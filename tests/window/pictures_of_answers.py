"""Pictures of how each kind of answer is looked at: on Data, Compare and All answers, to be looked at.

    python tests/window/pictures_of_answers.py FOLDER [--kinds boxes masks sounds texts] [--sizes 1280 1024] [--themes light dark]

Models are worked out (`answer_kinds`), each beside a worse version that was made elsewhere.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

import answer_kinds
import squares_detector
from fettle_command import Fettle
from pictures import SIZES, opened, set_theme, shoot
from rig import Program


def made(kind: str, folder: Path) -> tuple[Path, Path, Path]:
    """The original, a worse version, and examples with what is right."""
    if kind == "boxes":
        folder.mkdir(parents=True, exist_ok=True)
        good = squares_detector.build(folder / "finder.onnx")
        bad = squares_detector.build(folder / "smaller.onnx", lost=(1,), shift_px=2.0)
        return good, bad, squares_detector.write_scenes(folder / "my pictures", 120)
    if kind == "masks":
        good = answer_kinds.colors(folder / "gardens" / "gardens.onnx", slow=True)
        bad = answer_kinds.colors(folder / "gardens" / "smaller.onnx", blind=0.15)
        return good, bad, answer_kinds.write_gardens(folder / "my garden", 120)
    if kind == "sounds":
        good, bad = (folder / name for name in ("words.onnx", "smaller.onnx"))
        answer_kinds.tones(good, slow=True)
        answer_kinds.tones(bad, least=0.0405)
        return good, bad, answer_kinds.write_sayings(folder / "said", 120)
    good, bad = answer_kinds.topics(folder / "topics"), answer_kinds.topics(folder / "smaller", noise=0.35)
    return good, bad, answer_kinds.write_pairs(folder / "pairs.csv", 150)


def judged(kind: str, folder: Path) -> Path:
    """A home in which both were judged side by side, and whose project is the last one."""
    home = folder / f"home of {kind}"
    good, bad, data = made(kind, folder / kind)
    shop = Fettle(home / "data")
    done = shop("prove", good, bad, "--data", data, "--max-loss", "5", "--json")
    if done.code not in (0, 4):
        raise RuntimeError(done.out + done.err)
    (row,) = shop("jobs", "--json").document["runs"]
    kept = json.dumps({"last_project_id": row["project_id"]})
    (home / "data" / "settings.json").write_text(kept, encoding="utf-8")
    return home


def scroll(program: Program, size: tuple[int, int], *, up: bool = False) -> None:
    """To the end of the page, or back; beside its cards, so that no list in them takes the wheel."""
    program.screen.do("mousemove", size[0] - 16, 400, "click", "--repeat", 60, "--delay", 10, 4 if up else 5)
    time.sleep(0.3)


def look(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """Each page once its pictures are there."""
    with opened(home, size) as program:
        program.keys("ctrl+2")
        program.until_page("data", "full", 90)
        shoot(program, out, f"data-{tag}")
        scroll(program, size)
        program.until(lambda view: "Running the original" not in view.texts, 90, "what the model receives")
        time.sleep(3)
        shoot(program, out, f"data-below-{tag}")
        program.keys("ctrl+5")
        program.until_page("compare", "full", 90)
        time.sleep(4)
        shoot(program, out, f"compare-{tag}")
        scroll(program, size)
        shoot(program, out, f"compare-below-{tag}")
        scroll(program, size, up=True)
        program.press("All answers")
        program.until_page("answers", "full", 90)
        time.sleep(4)
        shoot(program, out, f"answers-{tag}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", nargs="*", default=["boxes", "masks", "sounds", "texts"])
    parser.add_argument("--sizes", type=int, nargs="*", default=[1280, 1024])
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    requested = parser.parse_args()
    requested.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for kind in requested.kinds:
            home = judged(kind, Path(temporary))
            for theme in requested.themes:
                for size in (size for size in SIZES if size[0] in requested.sizes):
                    set_theme(home, theme)
                    look(home, requested.out, size, f"{kind}-{theme}-{size[0]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

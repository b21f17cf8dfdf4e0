"""The models of the catalogue that Fettle optimizes, as MODELS_DIR holds them."""

from functools import partial

from by_hand import (
    cleaned_again,
    file_bytes,
    first_rows,
    labelled_pictures,
    mean_of_tokens,
    noise_maps,
    noises,
    pictures_as_shown,
    recordings,
    scores_of_steps,
    text_map,
    texts,
)
from model_cases import ModelCase
from peers import texts_of_one_length

P01, P03, P05 = "P/P01_mobilenetv2_imagenet", "P/P03_all_minilm_l6_safetensors", "P/P05_silero_vad"
P06, P07, P08 = "P/P06_ppocr_v6", "P/P07_terrain_consistency_unet", "P/P08_magika_filetype"

mobilenet = partial(ModelCase, data="DATA/imagenet_stamps", compared="class", read=labelled_pictures, accuracy=0.6)
minilm = partial(
    ModelCase,
    model=P03,
    data="DATA/sentiment_vader.csv",
    original="bert",
    compared="embedding",
    read=texts,
    answer=mean_of_tokens,
)
ocr = partial(ModelCase, data="DATA/photos", original="onnx", read=pictures_as_shown)
LESS_S = 45.0
"""Of small models, and of a second file of the same one."""

MODEL_CASES = (
    mobilenet("MobileNetV2, ONNX", f"{P01}/derived_mobilenet_v2_op17.onnx", original="onnx"),
    mobilenet(
        "MobileNetV2, external data", f"{P01}/derived_external/mobilenet_v2_ext.onnx", original="onnx", budget_s=LESS_S
    ),
    mobilenet(
        "MobileNetV2, TorchScript",
        f"{P01}/derived_mobilenet_v2_torchscript.pt",
        original="torchscript",
        options=("--allow-code",),
        budget_s=LESS_S,
    ),
    mobilenet("MobileNetV2, state dict", f"{P01}/mobilenet_v2-b0353104.pth", original="weights", budget_s=LESS_S),
    minilm("MiniLM-L6", make_data=first_rows),
    minilm("MiniLM-L6, 64 tokens", make_data=texts_of_one_length),
    ModelCase(
        "silero-vad",
        f"{P05}/silero_vad_16k_op15.onnx",
        "DATA/vad_frames.npz",
        "onnx",
        "moments",
        recordings,
        answer=scores_of_steps,
        links={"state": ("stateN", [2, 1, 128])},
        accuracy=0.9,
    ),
    ocr("text detector", f"{P06}/PP-OCRv6_det_small.onnx", compared="masks", answer=text_map, task="segmentation"),
    ocr("text recognizer", f"{P06}/PP-OCRv6_rec_small.onnx", compared="texts", task="transcript"),
    ocr(
        "direction of lines",
        f"{P06}/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        compared="class",
        budget_s=LESS_S,
        are_shares=True,
    ),
    ModelCase(
        "terrain U-Net",
        f"{P07}/terrain_consistency_unet_difficulty100.onnx",
        "",
        "onnx",
        "numbers",
        noises,
        make_data=noise_maps,
        then=cleaned_again,
        budget_s=200.0,  # each answer is a whole sampling run
        expected_pipeline={"sampling": {"sample": "noisy", "level": "sigma", "levels": [80.0, 0.821], "lowest": 0.002}},
    ),
    ModelCase(
        "magika",
        f"{P08}/model.onnx",
        "DATA/filetypes_magika.npz",
        "onnx",
        "class",
        file_bytes,
        accuracy=0.9,
        are_shares=True,
        budget_s=LESS_S,
    ),
)

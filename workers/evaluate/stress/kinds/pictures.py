"""Define kinds of stress for pictures: float32 (H, W, 1 or 3) in 0..1."""

import io
from functools import partial

import numpy as np

from workers.contracts.translation import mark
from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import (
    clipped,
    disk_blur,
    gaussian,
    gray_of,
    motion_blur,
    plasma,
    scale_of,
    to_image,
    zoomed,
)

SENSOR_NOISE = 0.01


def gaussian_noise(picture: Floats, sigma: float, rng: Generator) -> Floats:
    """Add a normal error to each value, like a sensor in low light."""
    return clipped(picture + np.float32(sigma) * rng.standard_normal(picture.shape, dtype=np.float32))


def shot_noise(picture: Floats, photons: int, rng: Generator) -> Floats:
    """Add Poisson noise, as if there were too few photons."""
    return clipped(rng.poisson(picture * photons).astype(np.float32) / photons)


def impulse_noise(picture: Floats, share: float, rng: Generator) -> Floats:
    """Make single values fully black or white ("salt and pepper")."""
    hit = rng.random(picture.shape) < share
    salt = rng.random(picture.shape) < 0.5
    return np.where(hit, np.where(salt, np.float32(1), np.float32(0)), picture)


def defocus_blur(picture: Floats, level: tuple[int, float, float], rng: Generator) -> Floats:
    """Blur out of focus: each point becomes a disk, on very small pictures of more than one pixel."""
    radius_px, smooth_px, least_px = level
    scale = scale_of(picture)
    return clipped(gaussian(disk_blur(picture, max(radius_px * scale, least_px)), smooth_px * scale))


def glass_blur(picture: Floats, level: tuple[float, int, int], rng: Generator) -> Floats:
    """Blur like frosted glass: neighboring pixels are swapped at random between two slight blurs.

    ImageNet-C swaps pixel by pixel in a loop. Here all pixels of a round choose their neighbor at once, which looks
    alike.
    """
    sigma_px, reach_px, rounds = level
    scale = scale_of(picture)
    sigma, reach = sigma_px * scale, max(1, round(reach_px * scale))
    values = gaussian(picture, sigma)
    height, width = values.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    for _turn in range(rounds):
        down = rng.integers(-reach, reach + 1, (height, width))
        right = rng.integers(-reach, reach + 1, (height, width))
        values = values[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
    return clipped(gaussian(values, sigma))


def moved_camera(picture: Floats, level: tuple[int, int], rng: Generator) -> Floats:
    """Blur like a moved camera: each point becomes a short line."""
    radius_px, sigma_px = level
    scale = scale_of(picture)
    return clipped(motion_blur(picture, radius_px * scale, sigma_px * scale, float(rng.uniform(-45, 45))))


def zoom_blur(picture: Floats, level: tuple[float, float], rng: Generator) -> Floats:
    """Blur like a camera that moves toward the object: the mean of enlarged copies."""
    end, step = level
    factors = np.arange(1, end, step)
    return clipped(np.mean([picture, *(zoomed(picture, float(factor)) for factor in factors)], axis=0))


def snow(picture: Floats, level: tuple[float, float, float, float, int, int, float], rng: Generator) -> Floats:
    """Add snowflakes that fall while the picture is taken."""
    mean, spread, size, threshold, radius_px, sigma_px, through = level
    scale = scale_of(picture)
    flakes = zoomed(rng.normal(mean, spread, picture.shape[:2]).astype(np.float32), max(size * scale, 1.0))
    flakes = np.where(flakes < threshold, np.float32(0), np.clip(flakes, 0, 1))
    flakes = motion_blur(flakes, radius_px * scale, sigma_px * scale, float(rng.uniform(-135, -45)))[:, :, None]
    pale = through * picture + (1 - through) * np.maximum(picture, gray_of(picture) * 1.5 + 0.5)
    return clipped(pale + flakes + flakes[::-1, ::-1])


def frost(picture: Floats, level: tuple[float, float], rng: Generator) -> Floats:
    """Add ice on the lens.

    ImageNet-C lays photographs of frost over the picture; here crystals are drawn from noise.
    """
    keep, ice = level
    ridges = 1 - np.abs(2 * plasma(picture.shape[:2], 1.5, rng) - 1)
    crystals = (np.clip(ridges, 0, 1) ** 2 * plasma(picture.shape[:2], 2.0, rng))[:, :, None]
    tint = np.asarray([0.9, 0.95, 1.0], np.float32)[: picture.shape[2]]
    return clipped(keep * picture + ice * crystals * tint)


def fog(picture: Floats, level: tuple[float, float], rng: Generator) -> Floats:
    """Add clouds of light that reduce the contrast."""
    thick, decay = level
    brightest = float(picture.max())
    clouds = thick * plasma(picture.shape[:2], decay, rng)[:, :, None]
    return clipped((picture + clouds) * brightest / (brightest + thick))


def brightness(picture: Floats, more: float, rng: Generator) -> Floats:
    """Overexpose: raise the value of each color (that of HSV, its largest channel), with its hue and saturation."""
    value = picture.max(axis=2, keepdims=True)
    raised = np.clip(value + more, 0, 1)
    return clipped(np.where(value > 0, picture * (raised / np.where(value > 0, value, 1)), raised))


def low_contrast(picture: Floats, keep: float, rng: Generator) -> Floats:
    """Reduce the contrast: all values move toward the mean of their channel."""
    means = picture.mean(axis=(0, 1), keepdims=True)
    return clipped((picture - means) * keep + means)


def elastic(picture: Floats, level: tuple[float, float, float], rng: Generator) -> Floats:
    """Bend and stretch: a small affine change, then each point moves slightly with its neighbors."""
    from scipy.ndimage import map_coordinates

    height, width = picture.shape[:2]
    side = min(height, width)
    alpha, sigma, affine = (part * side for part in level)
    middle, third = np.asarray([height, width]) / 2, side / 3
    corners = np.asarray([middle + third, [middle[0] + third, middle[1] - third], middle - third])
    moved = corners + rng.uniform(-affine, affine, (3, 2))
    matrix = np.linalg.solve(np.hstack([corners, np.ones((3, 1))]), moved)
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.stack([rows.ravel(), columns.ravel(), np.ones(height * width)], axis=1) @ matrix
    offsets = [alpha * gaussian(rng.uniform(-1, 1, (height, width)), sigma).ravel() for _ in range(2)]
    at = [places[:, 0] + offsets[0], places[:, 1] + offsets[1]]
    channels = [map_coordinates(picture[..., c], at, order=1, mode="reflect") for c in range(picture.shape[2])]
    return clipped(np.stack(channels, axis=1).reshape(picture.shape))


def pixelate(picture: Floats, share: float, rng: Generator) -> Floats:
    """Enlarge a small picture: blocks replace details."""
    from PIL import Image

    height, width = picture.shape[:2]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    coarse = to_image(picture).resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(coarse, np.float32).reshape(picture.shape) / np.float32(255)


def jpeg(picture: Floats, quality: int, rng: Generator) -> Floats:
    """Save with strong compression: blocks and blurred colors."""
    from PIL import Image

    file = io.BytesIO()
    to_image(picture).save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        return np.asarray(opened, np.float32).reshape(picture.shape) / np.float32(255)


def darker(picture: Floats, light: float, rng: Generator) -> Floats:
    """Darken: the sensor receives a part of the light, and its noise stays."""
    noise = np.float32(SENSOR_NOISE) * rng.standard_normal(picture.shape, dtype=np.float32)
    return clipped(picture * light + noise)


def hard_contrast(picture: Floats, steep: float, rng: Generator) -> Floats:
    """Raise the contrast: bright parts become brighter and dark parts darker."""
    middle = float(picture.mean())
    return clipped((picture - middle) * steep + middle)


def hue_drift(picture: Floats, size: float, rng: Generator) -> Floats:
    """Multiply each channel (von Kries 1902): red up and blue down as in the evening, or the reverse."""
    shift = size * (1 if rng.random() < 0.5 else -1)
    if picture.shape[2] == 1:  # A gray file among colored ones gets the resulting change of lightness.
        return clipped(picture * (1 + 0.185 * shift))
    return clipped(picture * np.asarray([1 + shift, 1.0, 1 - shift], np.float32))


IMAGENET_C = "ImageNet-C (arXiv 1903.12261)"
_corruption = partial(Stress, takes="images", group="corruption", source=IMAGENET_C, levels=FIVE, quick=())
_after = partial(_corruption, source=mark("after ImageNet-C (arXiv 1903.12261), drawn otherwise"))
_drift = partial(Stress, takes="images", group="drift", levels=FIVE, quick=(3,))
QUICK = (1, 3, 5)

KINDS = (
    _corruption("gaussian_noise", mark("Noise"), "With noise", gaussian_noise, quick=QUICK, strengths=(
        0.08, 0.12, 0.18, 0.26, 0.38)),
    _corruption("shot_noise", "Shot noise", "With shot noise", shot_noise, (60, 25, 12, 5, 3)),
    _corruption("impulse_noise", "Broken pixels", "With broken pixels", impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    # radius of the disk, width of its smooth edge and its least radius, all in pixels
    _after("defocus_blur", "Out of focus", "Out of focus", defocus_blur, quick=QUICK, strengths=(
        (3, 0.1, 0.95), (4, 0.5, 1.1), (6, 0.5, 1.25), (8, 0.5, 1.4), (10, 0.5, 1.55))),
    # width of the blur and reach of the swaps in pixels, rounds
    _after("glass_blur", "Frosted glass", "Through frosted glass", glass_blur, (
        (0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))),
    # radius and spread in pixels
    _after("motion_blur", "Moved camera", "With a moved camera", moved_camera, (
        (10, 3), (15, 5), (15, 8), (15, 12), (20, 15))),
    # the largest copy, the step between copies
    _after("zoom_blur", "Zoom blur", "With zoom blur", zoom_blur, (
        (1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))),
    # mean and spread of the flakes, size, threshold, radius and spread of the fall in pixels, share of the picture that
    # stays visible
    _after("snow", mark("Snow"), "In snow", snow, (
        (0.1, 0.3, 3.0, 0.5, 10, 4, 0.8), (0.2, 0.3, 2.0, 0.5, 12, 4, 0.7), (0.55, 0.3, 4.0, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55))),
    # share of the picture that stays, share of frost
    _after("frost", mark("Frost"), "With frost on the lens", frost, (
        (1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))),
    # thickness and smoothness
    _after("fog", mark("Fog"), "In fog", fog, ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))),
    _corruption("brightness", "Too bright", "In glaring light", brightness, (0.1, 0.2, 0.3, 0.4, 0.5), quick=QUICK),
    _corruption("contrast", "Low contrast", "At low contrast", low_contrast, (0.4, 0.3, 0.2, 0.1, 0.05), quick=QUICK),
    # reach and smoothness of the bending, affine change: shares of the shorter side (ImageNet-C: of 244 pixels)
    _after("elastic", "Bent and stretched", "Bent and stretched", elastic, (
        (2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))),
    _corruption("pixelate", "Coarse pixels", "In coarse pixels", pixelate, (0.6, 0.5, 0.4, 0.3, 0.25)),
    _corruption("jpeg", "Strong compression", "Strongly compressed", jpeg, (25, 18, 15, 10, 7), quick=QUICK),
    _drift("darker", mark("Dark"), "In the dark", darker, (0.7, 0.5, 0.35, 0.22, 0.12), quick=(3, 5),
           source=mark("drift of light, own scale: 70 to 12 %")),
    _drift("contrast_drift", "Hard contrast", "At hard contrast", hard_contrast, (1.3, 1.6, 2.0, 2.6, 3.5),
           source=mark("drift of contrast, own scale: 1.3 to 3.5 times")),
    _drift("hue_drift", "Light of another color", "In light of another color", hue_drift,
           (0.08, 0.16, 0.24, 0.34, 0.45), source=mark("drift of color, own scale: 8 to 45 %"), needs_color=True),
)  # fmt: skip

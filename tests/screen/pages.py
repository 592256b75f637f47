"""Draws the pages of the bench `screen-text`: small Japanese and ASCII text, the same for the same seed. Raw pixels, four
bytes each, blue first. Needs the font of Debian's fonts-noto-cjk. Usage: pages.py FOLDER PAGES HEIGHT_OF_THE_TALL_ONE"""

import pathlib
import random
import sys

from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
WIDTH, HEIGHT = 1920, 1080
# JIS X 0208 level 1, in an order of its own: the first ones are common, the last ones hardly occur.
KANJI = [
    bytes([row, cell]).decode("euc_jp")
    for row in range(0xB0, 0xD0)
    for cell in range(0xA1, 0xFF)
    if not (row == 0xCF and cell > 0xD3)
]
random.Random(7).shuffle(KANJI)
KANJI = KANJI[:2000]
HIRAGANA = "のにはをたがでてとしれさいるなもられうくりけかだまんすあこきそよっおちみめせつわどやばえろ"
KATAKANA = "ンスルトラリクイアフレーシドタカロコマジテムニメサデオパプ"
WORDS = (
    "meeting agenda report server client latency screen share update release budget schedule review member design"
    " test error 2026 v1.4 10:30 API HTTP TLS"
).split()


def text(rng, length):
    common_kanji = [1 / (place + 3) for place in range(len(KANJI))]
    common_kana = [1 / (place + 2) for place in range(len(HIRAGANA))]
    out = []
    while len(out) < length:
        kind = rng.random()
        if kind < 0.55:
            out += rng.choices(KANJI, common_kanji, k=rng.choice([1, 2, 2, 2, 3, 4]))
            out += rng.choices(HIRAGANA, common_kana, k=rng.choice([1, 1, 2, 3]))
        elif kind < 0.75:
            out += rng.choices(HIRAGANA, k=rng.choice([2, 3, 4]))
        elif kind < 0.85:
            out += rng.choices(KATAKANA, k=rng.choice([3, 4, 5]))
        elif kind < 0.93:
            out += f" {rng.choice(WORDS)} "
        else:
            out.append(rng.choice("、、、。"))
    return "".join(out)


def page(seed, height):
    rng = random.Random(seed)
    image = Image.new("RGB", (WIDTH, height), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    body = ImageFont.truetype(FONT, 16, index=0)
    title = ImageFont.truetype(FONT, 28, index=0)
    draw.rectangle((0, 0, WIDTH, 44), fill=(240, 242, 245))
    draw.text((24, 4), text(rng, 24), font=title, fill=(20, 30, 60))
    for y in range(60, height - 24, 24):
        if rng.random() < 0.12:
            continue
        x, right = 40, 1880 if rng.random() < 0.7 else rng.randint(600, 1800)
        colour = (32, 33, 36) if rng.random() < 0.9 else (26, 88, 196)
        for letter in text(rng, 140):
            if x >= right:
                break
            draw.text((x, y), letter, font=body, fill=colour)
            x += round(draw.textlength(letter, font=body))
    return image.tobytes("raw", "BGRX")


folder, count, tall = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    (folder / f"page-{number}.raw").write_bytes(page(number + 1, HEIGHT))
(folder / "tall.raw").write_bytes(page(1000, tall))

"""Writes assets/background/selfie-landscape.bin, the network that tells people from what is behind them, from MediaPipe's.

    npm pack @mediapipe/selfie_segmentation@0.1.1675465747 && tar xf mediapipe-selfie_segmentation-*.tgz
    pip install tflite==2.18.0 ai-edge-litert==2.3.0 numpy
    python scripts/background-weights.py package/selfie_segmentation_landscape.tflite assets/background/selfie-landscape.bin \\
        media-core/src/video/background/tests

Run by hand, once per version of the network. What the file holds is said in assets/background/README.md;
media-core/src/video/background/network.rs reads it. The third argument is a folder for the fixture of its tests: a drawn
person (`person.i420`) and what TensorFlow Lite itself says of it (`person.mask`, a byte for each pixel).
"""

import math
import struct
import sys
from pathlib import Path

import numpy as np
import tflite

WIDTH, HEIGHT = 256, 144
CONV, DEPTHWISE, ADD, SCALE, MEAN, DOUBLE, SPREAD = range(1, 8)
BENDS = {"RELU": 1, "HARD_SWISH": 2, "LOGISTIC": 3}
NAMES = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}


class Net:
    """The file of TensorFlow Lite."""

    def __init__(self, path):
        self.model = tflite.Model.GetRootAs(Path(path).read_bytes(), 0)
        self.graph = self.model.Subgraphs(0)
        self.halves = {}

    def steps(self):
        """Name, options, inputs and output of every operator; halves that are only widened are taken as they are."""
        for n in range(self.graph.OperatorsLength()):
            op = self.graph.Operators(n)
            code = self.model.OperatorCodes(op.OpcodeIndex())
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name = code.CustomCode().decode() if builtin == tflite.BuiltinOperator.CUSTOM else NAMES[builtin]
            ins, out = op.InputsAsNumpy().tolist(), op.Outputs(0)
            if name == "DEQUANTIZE":
                self.halves[out] = ins[0]
            else:
                yield name, op, ins, out

    def shape(self, tensor):
        return tuple(int(side) for side in self.graph.Tensors(tensor).ShapeAsNumpy())

    def weights(self, tensor):
        tensor = self.halves.get(tensor, tensor)
        info = self.graph.Tensors(tensor)
        kind = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16}[info.Type()]
        values = np.frombuffer(self.model.Buffers(info.Buffer()).DataAsNumpy().tobytes(), kind).reshape(self.shape(tensor))
        halves = values.astype(np.float16)
        assert np.isfinite(halves).all() and (halves.astype(np.float32) == values.astype(np.float32)).all()
        return halves


def options(op, kind):
    it = kind()
    it.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
    return it


def before(size, kernel, stride, same):
    """Zeros before the first value of a side."""
    out = -(-size // stride)
    return max((out - 1) * stride + kernel - size, 0) // 2 if same else 0


def whole(net):
    """The steps of our file: dictionaries, and weights each as (inputs, outputs), then what is added."""
    steps = []
    for name, op, ins, out in net.steps():
        step = {"kind": 0, "bend": 0, "a": ins[0], "b": ins[0], "out": out, "kernel": 1, "stride": 1, "top": 0, "left": 0, "w": []}
        (_, high, wide, deep) = net.shape(ins[0])
        if name in BENDS:
            maker = next(made for made in steps if made["out"] == ins[0])
            assert maker["bend"] == 0
            maker["bend"], maker["out"] = BENDS[name], out
            continue
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            plain = name == "CONV_2D"
            how = options(op, tflite.Conv2DOptions if plain else tflite.DepthwiseConv2DOptions)
            weights, bias = net.weights(ins[1]), net.weights(ins[2])
            (outs, kernel, across, _) = weights.shape
            assert kernel == across and how.StrideH() == how.StrideW() and how.FusedActivationFunction() == 0
            same = how.Padding() == tflite.Padding.SAME
            sides = {"top": before(high, kernel, how.StrideH(), same), "left": before(wide, kernel, how.StrideH(), same)}
            step |= {"kind": CONV if plain else DEPTHWISE, "kernel": kernel, "stride": how.StrideH()} | sides
            step["w"] = [weights.reshape(outs, -1).T if plain else weights.reshape(kernel * kernel, deep), bias]
        elif name == "ADD":
            assert net.shape(ins[0]) == net.shape(ins[1])
            step |= {"kind": ADD, "b": ins[1]}
        elif name == "MUL":
            assert net.shape(ins[1]) == (1, 1, 1, deep)
            step |= {"kind": SCALE, "b": ins[1]}
        elif name == "MEAN":
            step["kind"] = MEAN
        elif name == "RESIZE_BILINEAR":
            how = options(op, tflite.ResizeBilinearOptions)
            assert how.HalfPixelCenters() and not how.AlignCorners() and net.shape(out)[1:3] == (2 * high, 2 * wide)
            step["kind"] = DOUBLE
        elif name == "Convolution2DTransposeBias":
            weights, bias = net.weights(ins[1]), net.weights(ins[2])
            assert weights.shape == (1, 2, 2, deep)
            # Each pixel becomes four; the products are made for eight at a time.
            four = np.zeros((deep, 8), np.float16)
            four[:, :4] = weights.reshape(4, deep).T
            step |= {"kind": SPREAD, "w": [four, np.repeat(bias, 8)]}
        else:
            raise SystemExit(f"unknown operator {name}")
        steps.append(step)
    return steps


def rooms(net, steps):
    """Gives every value a room; one whose value nobody needs any more is used again. Their sizes."""
    last = {step[key]: n for n, step in enumerate(steps) for key in ("a", "b")}
    given, free, sizes = {net.graph.Inputs(0): 0}, [], [math.prod(net.shape(net.graph.Inputs(0)))]
    last[steps[-1]["out"]] = len(steps)
    for n, step in enumerate(steps):
        size = math.prod(net.shape(step["out"]))
        fits = [room for room in free if sizes[room] >= size]
        room = min(fits, key=sizes.__getitem__) if fits else len(sizes)
        if fits:
            free.remove(room)
        else:
            sizes.append(size)
        given[step["out"]] = room
        free += [given[old] for old in {step["a"], step["b"]} if last[old] == n and given[old] != 0]
    return given, sizes


def write(net, path):
    steps = whole(net)
    given, sizes = rooms(net, steps)
    with open(path, "wb") as file:
        file.write(struct.pack("<4s3I", b"BACK", 1, len(sizes), len(steps)))
        file.write(struct.pack(f"<{len(sizes)}I", *sizes))
        for step in steps:
            shapes = *net.shape(step["a"])[1:], *net.shape(step["out"])[1:]
            places = given[step["a"]], given[step["b"]], given[step["out"]]
            how = step["kernel"], step["stride"], step["top"], step["left"]
            file.write(struct.pack("<15I", step["kind"], step["bend"], *places, *shapes, *how))
        for step in steps:
            for weights in step["w"]:
                file.write(np.ascontiguousarray(weights).tobytes())


def person():
    """Somebody drawn before a room with stripes, letters' size and contrast: I420."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[:] = (170, 178, 186)
    picture[(x // 8 % 2 == 0) & (y < 110)] = (92, 104, 120)
    picture[y >= 110] = (120, 96, 70)

    def round_(cx, cy, rx, ry):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1

    light = (1.0 - 0.25 * (x - 128) / 60)[..., None].clip(0.6, 1.2)

    def paint(where, colour):
        picture[where] = (np.array(colour) * light)[where]

    paint(round_(128, 150, 62, 48), (40, 58, 110))
    paint((abs(x - 128) < 13) & (y > 80) & (y < 110), (190, 140, 112))
    paint(round_(128, 54, 31, 37), (48, 34, 26))
    paint(round_(128, 62, 26, 34), (214, 164, 134))
    for side in (-1, 1):
        paint(round_(128 + side * 10, 57, 5, 2.6), (240, 238, 235))
        paint(round_(128 + side * 10, 57, 2.2, 2.4), (40, 26, 18))
        paint(round_(128 + side * 10, 51, 6, 1.3), (56, 38, 28))
    paint(round_(128, 67, 3, 6), (194, 140, 112))
    paint(round_(128, 79, 9, 2.6), (170, 84, 80))
    r, g, b = np.moveaxis(picture.clip(0, 255), 2, 0)
    luma = 16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256
    blue = 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256
    red = 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256
    half = [plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)) for plane in (blue, red)]
    return b"".join(plane.round().clip(0, 255).astype(np.uint8).tobytes() for plane in (luma, *half))


def rgb(i420):
    """What the network is shown of it: 0 to 1."""
    pixels = np.frombuffer(i420, np.uint8).astype(np.float32)
    luma = pixels[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)
    blue, red = pixels[WIDTH * HEIGHT :].reshape(2, HEIGHT // 2, WIDTH // 2).repeat(2, 1).repeat(2, 2) - 128
    bright = 1.164383 * (luma - 16)
    three = bright + 1.596027 * red, bright - 0.391762 * blue - 0.812968 * red, bright + 2.017232 * blue
    return (np.stack(three, -1) / 255).clip(0, 1).astype(np.float32)


def fixture(network, folder):
    from ai_edge_litert.interpreter import Interpreter

    told = Interpreter(network, num_threads=1)
    told.allocate_tensors()
    picture = person()
    told.set_tensor(told.get_input_details()[0]["index"], rgb(picture)[None])
    told.invoke()
    mask = told.get_tensor(told.get_output_details()[0]["index"])[0, :, :, 0]
    (folder / "person.i420").write_bytes(picture)
    (folder / "person.mask").write_bytes((mask * 255).round().astype(np.uint8).tobytes())


if __name__ == "__main__":
    write(Net(sys.argv[1]), sys.argv[2])
    fixture(sys.argv[1], Path(sys.argv[3]))

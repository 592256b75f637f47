"""One participant on the official Python SDK (PyPI `livekit`), driven by arguments, told as JSON lines on stdout.

Run by `tests/scenarios` in a virtual environment; the host's CA comes in through SSL_CERT_FILE. It publishes a tone and
a moving picture, and reports what it hears and sees, so that software nobody here wrote judges our host and client.
"""
import argparse, asyncio, json, math, sys, time

import numpy as np
from livekit import rtc

RATE = 48_000
SOURCES = {
    "mic": rtc.TrackSource.SOURCE_MICROPHONE,
    "camera": rtc.TrackSource.SOURCE_CAMERA,
    "screen": rtc.TrackSource.SOURCE_SCREENSHARE,
    "megaphone": rtc.TrackSource.SOURCE_UNKNOWN,
}


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def tone_share(samples, hz):
    """Share of the block's energy at one frequency, 0..1 (Goertzel over the whole block)."""
    x = samples.astype(np.float64) / 32768.0
    energy = float(np.sum(x * x))
    if energy < 1e-4:
        return 0.0
    n = np.arange(len(x))
    c = np.sum(x * np.exp(-2j * np.pi * hz * n / RATE))
    return float(2 * abs(c) ** 2 / (len(x) * energy))


async def publish_tone(room, source_name, hz):
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track(source_name, source)
    options = rtc.TrackPublishOptions()
    options.source = SOURCES[source_name]
    options.dtx = False
    try:
        await asyncio.wait_for(room.local_participant.publish_track(track, options), 15)
    except Exception as error:  # the SDK has no narrower type for a refusal
        say("publish_failed", source=source_name, error=type(error).__name__)
        return
    say("published", source=source_name)
    n = 0
    while True:
        t = (np.arange(480) + n) / RATE
        n += 480
        pcm = (np.sin(2 * math.pi * hz * t) * 9000).astype(np.int16)
        await source.capture_frame(rtc.AudioFrame(pcm.tobytes(), RATE, 1, 480))


async def publish_picture(room, source_name, codec, size):
    width, height = size
    source = rtc.VideoSource(width, height)
    track = rtc.LocalVideoTrack.create_video_track(source_name, source)
    options = rtc.TrackPublishOptions()
    options.source = SOURCES[source_name]
    options.video_codec = rtc.VideoCodec.H264 if codec == "h264" else rtc.VideoCodec.VP8
    options.simulcast = False
    try:
        await asyncio.wait_for(room.local_participant.publish_track(track, options), 15)
    except Exception as error:
        say("publish_failed", source=source_name, error=type(error).__name__)
        # A hostile member does not care that it was refused and sends all the same.
    else:
        say("published", source=source_name)
    count = 0
    while True:
        y = np.full((height, width), 40, np.uint8)
        x = (count * 8) % width
        y[:, x : x + 32] = 220
        data = y.tobytes() + bytes([128]) * (width * height // 2)
        source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data))
        count += 1
        await asyncio.sleep(1 / 15)


async def hear(track, who, source, hz_list):
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    blocks, told = [], set()
    async for event in stream:
        blocks.append(np.frombuffer(event.frame.data, np.int16))
        if sum(map(len, blocks)) < RATE // 5:
            continue
        block = np.concatenate(blocks)
        blocks.clear()
        for hz in hz_list:
            share = tone_share(block, hz)
            if share > 0.5 and hz not in told:
                told.add(hz)
                say("heard", sender=who, source=source, hz=hz, share=round(share, 3))


async def see(track, who, source):
    frames = 0
    async for event in rtc.VideoStream(track):
        frames += 1
        if frames in (1, 10, 30):
            say("seen", sender=who, source=source, frames=frames, width=event.frame.width, height=event.frame.height)


async def main():
    p = argparse.ArgumentParser()
    p.add_argument("--url", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--passphrase", default="")
    p.add_argument("--publish", default="")
    p.add_argument("--codec", default="vp8")
    p.add_argument("--size", default="320x180")
    p.add_argument("--hz", type=int, default=440)
    p.add_argument("--listen-hz", default="440,660,880")
    p.add_argument("--data", default="")
    p.add_argument("--seconds", type=float, default=20)
    a = p.parse_args()

    room = rtc.Room()
    tasks = []

    def on_track(track, publication, participant):
        who, source = participant.identity, int(publication.source)
        say("track", sender=who, source=source, kind="audio" if track.kind == rtc.TrackKind.KIND_AUDIO else "video",
            encrypted=int(publication.encryption_type) if hasattr(publication, "encryption_type") else None)
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            tasks.append(asyncio.ensure_future(hear(track, who, source, [int(h) for h in a.listen_hz.split(",")])))
        else:
            tasks.append(asyncio.ensure_future(see(track, who, source)))

    room.on("track_subscribed", on_track)
    room.on("track_unsubscribed", lambda t, pub, who: say("track_gone", sender=who.identity, source=int(pub.source)))
    room.on("track_muted", lambda who, pub: say("muted", sender=who.identity, source=int(pub.source)))
    room.on("data_received", lambda d: say("data", sender=d.participant.identity if d.participant else None,
                                           text=bytes(d.data).decode("utf8", "replace")))
    room.on("participant_connected", lambda who: say("person", identity=who.identity))
    room.on("participant_disconnected", lambda who: say("person_gone", identity=who.identity))
    room.on("participant_permissions_changed", lambda *x: say("permissions"))
    room.on("disconnected", lambda reason: say("disconnected", reason=int(reason)))
    room.on("reconnecting", lambda: say("reconnecting"))
    room.on("reconnected", lambda: say("reconnected"))
    room.on("e2ee_state_changed", lambda who, state: say("e2ee", sender=who.identity, state=int(state)))

    options = rtc.RoomOptions(auto_subscribe=True)
    if a.passphrase:
        key = rtc.KeyProviderOptions(shared_key=a.passphrase.encode())
        options.encryption = rtc.E2EEOptions(key_provider_options=key)
    started = time.monotonic()
    try:
        await asyncio.wait_for(room.connect(a.url, a.token, options), 20)
    except Exception as error:
        say("connect_failed", error=str(error)[:200])
        return 1
    say("connected", ms=round((time.monotonic() - started) * 1000), identity=room.local_participant.identity)

    size = tuple(int(v) for v in a.size.split("x"))
    for name in filter(None, a.publish.split(",")):
        if name in ("mic", "megaphone"):
            tasks.append(asyncio.ensure_future(publish_tone(room, name, a.hz)))
        else:
            tasks.append(asyncio.ensure_future(publish_picture(room, name, a.codec, size)))
    if a.data:
        async def talk():
            while True:
                await room.local_participant.publish_data(a.data.encode(), reliable=True, topic="test")
                await asyncio.sleep(1)
        tasks.append(asyncio.ensure_future(talk()))

    await asyncio.sleep(a.seconds)
    for t in tasks:
        t.cancel()
    await room.disconnect()
    say("done")
    return 0


sys.exit(asyncio.run(main()))

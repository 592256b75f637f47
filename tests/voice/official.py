"""One end of a sentence on the official Python SDK (PyPI `livekit`): libwebrtc's sender or its receiver with NetEQ.

Run by `npm run bench -- voice-loss`, one process per end. `speak` publishes a WAV file (48 kHz, mono) in real time, its
beginning once more in front; `listen` writes what it hears. Both say what happens as JSON lines on stdout and are led by
lines on stdin: `go` (speak), `mark` (forget what was heard until now) and `leave`; the end of stdin means leave.
"""
import argparse, asyncio, json, os, sys, wave

import numpy as np
from livekit import rtc

RATE = 48_000
BLOCK = 480


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


async def orders():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


def read(path):
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2), path
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


async def speak(room, a):
    """As livekit-client publishes a microphone, RED and 48 kbit/s, or plainly as libwebrtc does; but without pauses."""
    said = read(a.wav)
    lesson = said[: int(a.lesson * RATE)]
    source = rtc.AudioSource(RATE, 1, queue_size_ms=100)
    track = rtc.LocalAudioTrack.create_audio_track("mic", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=not a.plain)
    options.audio_encoding.max_bitrate = 32_000 if a.plain else 48_000
    await room.local_participant.publish_track(track, options)

    async def say_all(samples):
        for at in range(0, len(samples) - BLOCK + 1, BLOCK):
            await source.capture_frame(rtc.AudioFrame(samples[at : at + BLOCK].tobytes(), RATE, 1, BLOCK))

    async def hush(blocks):
        await say_all(np.zeros(blocks * BLOCK, np.int16))

    told = {"go": asyncio.Event(), "leave": asyncio.Event()}

    async def obey():
        async for order in orders():
            told[order].set()
        told["leave"].set()

    # One after the other: a source takes no second block while one waits.
    obedience = asyncio.ensure_future(obey())
    say("published")
    while not told["go"].is_set() and not told["leave"].is_set():
        await hush(1)
    await say_all(lesson)
    say("lesson_over")
    await say_all(said)
    say("said")
    await hush(200)
    say("quiet")
    await told["leave"].wait()
    obedience.cancel()


async def tell_stats(track):
    for entry in await track.get_stats():
        if entry.WhichOneof("stats") == "inbound_rtp":
            s, r = entry.inbound_rtp.inbound, entry.inbound_rtp.received
            say("stats", nacks=s.nack_count, lost=r.packets_lost, received=r.packets_received,
                fec=s.fec_packets_received, concealed=s.concealed_samples, samples=s.total_samples_received,
                delay_ms=round(1000 * s.jitter_buffer_delay / max(1, s.jitter_buffer_emitted_count), 1))


async def listen(room, a):
    heard, track_of = [], []

    async def keep(track):
        say("hears")
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            heard.append(bytes(event.frame.data))

    def on_track(track, _publication, _who):
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            track_of.append(track)
            tasks.append(asyncio.ensure_future(keep(track)))

    tasks = []
    room.on("track_subscribed", on_track)
    for who in room.remote_participants.values():
        for publication in who.track_publications.values():
            if publication.track:
                on_track(publication.track, publication, who)
    async for order in orders():
        if order == "mark":
            heard.clear()
        if order == "leave":
            break
    for track in track_of:
        await tell_stats(track)
    for task in tasks:
        task.cancel()
    with wave.open(a.wav, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(heard))
    say("written")


async def run(a):
    room = rtc.Room()
    await asyncio.wait_for(room.connect(a.url, a.token, rtc.RoomOptions(auto_subscribe=True)), 60)
    say("connected")
    await (speak if a.role == "speak" else listen)(room, a)
    await asyncio.wait_for(room.disconnect(), 10)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("role", choices=["speak", "listen"])
    p.add_argument("--url", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--wav", required=True)
    p.add_argument("--lesson", type=float, default=0)
    p.add_argument("--plain", action="store_true")
    asyncio.run(run(p.parse_args()))
    # The SDK's own threads call into Python while it is being taken down, and abort the process now and then.
    sys.stdout.flush()
    os._exit(0)


main()

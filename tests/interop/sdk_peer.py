"""One participant on the official Python SDK (PyPI `livekit`), driven by arguments, told as JSON lines on stdout.

Run by `tests/interop.rs` and its friends in a virtual environment; the host's CA comes in through SSL_CERT_FILE. It
publishes a tone and a moving picture and reports what it hears and sees, so that software nobody here wrote judges our
host and our client. Lines on stdin: `mute NAME`, `unmute NAME`, `unpublish NAME`, `quality NAME low|medium|high`,
`complain`, `leave`; the end of stdin means leave, so that it never outlives the test.
"""
import argparse, asyncio, json, logging, math, os, sys

import numpy as np
from livekit import rtc

RATE = 48_000
SOURCES = {
    "mic": rtc.TrackSource.SOURCE_MICROPHONE,
    "camera": rtc.TrackSource.SOURCE_CAMERA,
    "screen": rtc.TrackSource.SOURCE_SCREENSHARE,
    "screen_audio": rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO,
    "megaphone": rtc.TrackSource.SOURCE_UNKNOWN,
}
WORDS = {int(number): word for word, number in SOURCES.items()}
QUALITIES = {
    "low": rtc.VideoQuality.VIDEO_QUALITY_LOW,
    "medium": rtc.VideoQuality.VIDEO_QUALITY_MEDIUM,
    "high": rtc.VideoQuality.VIDEO_QUALITY_HIGH,
}


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def word(publication):
    return WORDS.get(int(publication.source), str(publication.source))


def tone_share(samples, hz):
    """Share of the block's energy at one frequency, 0..1 (Goertzel over the whole block)."""
    x = samples.astype(np.float64) / 32768.0
    energy = float(np.sum(x * x))
    if energy < 1e-4:
        return 0.0
    n = np.arange(len(x))
    c = np.sum(x * np.exp(-2j * np.pi * hz * n / RATE))
    return float(2 * abs(c) ** 2 / (len(x) * energy))


class Peer:
    def __init__(self, args):
        self.a = args
        self.room = rtc.Room()
        self.tasks = []
        self.sent = {}  # our own publications by name
        self.read = set()

    def spawn(self, work):
        self.tasks.append(asyncio.ensure_future(work))

    async def publish(self, name, track, options):
        options.source = SOURCES[name]
        try:
            publication = await asyncio.wait_for(self.room.local_participant.publish_track(track, options), 30)
        except Exception as error:  # the SDK has no narrower type for a refusal
            # A hostile member does not care that it was refused: the caller goes on feeding the source.
            say("publish_failed", source=name, error=f"{type(error).__name__}: {error}"[:300])
            return
        self.sent[name] = (publication, track)
        say("published", source=name, sid=publication.sid)

    async def publish_tone(self, name):
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track(name, source)
        options = rtc.TrackPublishOptions()
        options.dtx = False
        options.red = self.a.red
        await self.publish(name, track, options)
        n = 0
        while True:
            t = (np.arange(480) + n) / RATE
            n += 480
            pcm = (np.sin(2 * math.pi * self.a.hz * t) * 9000).astype(np.int16)
            await source.capture_frame(rtc.AudioFrame(pcm.tobytes(), RATE, 1, 480))

    async def publish_picture(self, name):
        width, height = (int(v) for v in self.a.size.split("x"))
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track(name, source)
        options = rtc.TrackPublishOptions()
        options.video_codec = rtc.VideoCodec.H264 if self.a.codec == "h264" else rtc.VideoCodec.VP8
        options.simulcast = self.a.simulcast
        self.spawn(self.publish(name, track, options))
        count = 0
        while True:
            y = np.full((height, width), 40, np.uint8)
            x = (count * 8) % width
            y[:, x : x + 32] = 220
            data = y.tobytes() + bytes([128]) * (width * height // 2)
            source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data))
            count += 1
            await asyncio.sleep(1 / 15)

    async def hear(self, track, who, source):
        """Says which note is heard, whenever it was for three seconds without a gap, and when it is heard no more."""
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        blocks, heard, clear = [], set(), {}
        async for event in stream:
            blocks.append(np.frombuffer(event.frame.data, np.int16))
            if sum(map(len, blocks)) < RATE // 5:
                continue
            block = np.concatenate(blocks)
            blocks.clear()
            for hz in (int(h) for h in self.a.listen_hz.split(",")):
                share = tone_share(block, hz)
                # Of a fifth of a second at most the fifth part may be missing.
                clear[hz] = clear.get(hz, 0) + 1 if share > 0.8 else 0
                if clear[hz] == 15:
                    clear[hz] = 0
                    say("steady", sender=who, source=source, hz=hz)
                if share > 0.5 and hz not in heard:
                    heard.add(hz)
                    say("heard", sender=who, source=source, hz=hz)
                elif share < 0.01 and hz in heard:
                    heard.remove(hz)
                    say("silent", sender=who, source=source, hz=hz)

    async def see(self, track, who, source, mime):
        """Says when pictures come, when their size changes, and whether anything is on them."""
        frames, size = 0, None
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.I420):
            frame = event.frame
            now = (frame.width, frame.height)
            frames = frames + 1 if now == size else 1
            size = now
            if frames in (1, 10, 30):
                y = np.frombuffer(frame.data, np.uint8)[: frame.width * frame.height]
                say("seen", sender=who, source=source, frames=frames, width=frame.width, height=frame.height,
                    contrast=int(y.max()) - int(y.min()), mime=mime)

    def on_track(self, track, publication, who):
        source = word(publication)
        audio = track.kind == rtc.TrackKind.KIND_AUDIO
        say("track", sender=who.identity, source=source, kind="audio" if audio else "video",
            encrypted=int(publication.encryption_type) != 0, mime=publication.mime_type)
        if audio:
            self.spawn(self.hear(track, who.identity, source))
        else:
            self.spawn(self.see(track, who.identity, source, publication.mime_type))

    def on_data(self, packet):
        """Says what was read, once."""
        sender = packet.participant.identity if packet.participant else None
        reliable = packet.kind == rtc.DataPacketKind.KIND_RELIABLE
        text = bytes(packet.data).decode("utf8", "replace")
        if (sender, reliable, text) not in self.read:
            self.read.add((sender, reliable, text))
            say("data", sender=sender, reliable=reliable, topic=packet.topic, text=text)

    def listen(self):
        on = self.room.on
        on("track_subscribed", self.on_track)
        on("track_published", lambda p, who: say("announced", sender=who.identity, source=word(p)))
        on("track_unsubscribed", lambda t, p, who: say("track_gone", sender=who.identity, source=word(p)))
        on("track_muted", lambda who, p: say("muted", sender=who.identity, source=word(p)))
        on("track_unmuted", lambda who, p: say("unmuted", sender=who.identity, source=word(p)))
        on("local_track_unpublished", lambda p: say("unpublished", source=word(p)))
        on("data_received", self.on_data)
        on("participant_connected", lambda who: say("person", identity=who.identity))
        on("participant_disconnected", lambda who: say("person_gone", identity=who.identity))
        on("participant_permissions_changed", lambda *x: say("permissions"))
        on("active_speakers_changed", lambda who: say("speakers", identities=[w.identity for w in who]))
        on("disconnected", lambda reason: say("disconnected", reason=int(reason)))
        on("reconnecting", lambda: say("reconnecting"))
        on("reconnected", lambda: say("reconnected"))
        on("e2ee_state_changed", lambda who, state: say("e2ee", sender=who.identity, state=int(state)))

    async def obey(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            what, *rest = line.decode().split() or [""]
            if what == "leave":
                return
            if what == "mute":
                self.sent[rest[0]][1].mute()
            elif what == "unmute":
                self.sent[rest[0]][1].unmute()
            elif what == "complain":
                self.spawn(self.complain())
            elif what == "unpublish":
                await self.room.local_participant.unpublish_track(self.sent[rest[0]][0].sid)
            elif what == "quality":
                for who in self.room.remote_participants.values():
                    for publication in who.track_publications.values():
                        if word(publication) == rest[0] and publication.simulcasted:
                            publication.set_video_quality(QUALITIES[rest[1]])

    async def complain(self):
        """Tells our own clients, as they tell each other, that a fifth of their packets do not arrive here."""
        while True:
            report = bytes([1, 51, 10, 0, 0])
            await self.room.local_participant.publish_data(report, reliable=False, topic="shoji.hearing")
            await asyncio.sleep(0.5)

    async def talk(self):
        """The same words again and again, on both kinds of channel."""
        while True:
            await self.room.local_participant.publish_data(self.a.data.encode(), reliable=True, topic="test")
            await self.room.local_participant.publish_data(self.a.data.encode(), reliable=False, topic="lossy")
            await asyncio.sleep(0.5)

    async def run(self):
        self.listen()
        options = rtc.RoomOptions(auto_subscribe=True)
        if self.a.passphrase:
            key = rtc.KeyProviderOptions(shared_key=self.a.passphrase.encode())
            options.encryption = rtc.E2EEOptions(key_provider_options=key)
        try:
            await asyncio.wait_for(self.room.connect(self.a.url, self.a.token, options), 60)
        except Exception as error:
            say("connect_failed", error=str(error)[:300])
            return 1
        say("connected", identity=self.room.local_participant.identity, room=self.room.name)
        for name in filter(None, self.a.publish.split(",")):
            sound = name in ("mic", "megaphone", "screen_audio")
            self.spawn(self.publish_tone(name) if sound else self.publish_picture(name))
        if self.a.data:
            self.spawn(self.talk())
        try:
            await asyncio.wait_for(self.obey(), self.a.seconds)
        except TimeoutError:
            pass
        for task in self.tasks:
            task.cancel()
        await self.room.disconnect()
        say("done")
        return 0


async def run(args):
    # Inside the loop: the SDK's room takes the loop it is made in.
    return await Peer(args).run()


def main():
    if os.environ.get("VERBOSE"):
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(message)s")
    p = argparse.ArgumentParser()
    p.add_argument("--url", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--passphrase", default="")
    p.add_argument("--publish", default="")
    p.add_argument("--codec", default="vp8")
    p.add_argument("--size", default="320x180")
    p.add_argument("--simulcast", action="store_true")
    p.add_argument("--red", action="store_true", help="sound carries earlier packets along (RFC 2198)")
    p.add_argument("--hz", type=int, default=440)
    p.add_argument("--listen-hz", default="440,660,880")
    p.add_argument("--data", default="")
    p.add_argument("--seconds", type=float, default=240, help="leaves by itself after so long")
    code = asyncio.run(run(p.parse_args()))
    # Everything is said and left. The SDK's own threads call into Python once more while it is being taken down, and
    # abort the process now and then: end without that.
    sys.stdout.flush()
    os._exit(code)


main()

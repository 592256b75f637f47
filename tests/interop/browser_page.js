// One participant on the official browser SDK (npm `livekit-client`), inside the page that browser_peer.mjs opens.
// Publishes a tone and a moving canvas, reports what it hears and sees through window.say.
const L = globalThis.LivekitClient;
const SOURCES = {
  mic: "microphone", camera: "camera", screen: "screen_share", screen_audio: "screen_share_audio", megaphone: "unknown",
};
const WORDS = Object.fromEntries(Object.entries(SOURCES).map(([word, source]) => [source, word]));
const word = (publication) => WORDS[publication.source] ?? publication.source;
const failed = (event) => (error) => window.say({ event, error: String(error) });

function tone(hz) {
  const context = new AudioContext({ sampleRate: 48000 });
  const oscillator = new OscillatorNode(context, { frequency: hz });
  const gain = new GainNode(context, { gain: 0.3 });
  const out = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(out);
  oscillator.start();
  return out.stream.getAudioTracks()[0];
}

function picture(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    pen.fillStyle = "#233";
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "#eee";
    pen.fillRect((count * 8) % width, 0, 32, height);
    count += 1;
  }, 66);
  return canvas.captureStream(15).getVideoTracks()[0];
}

/** Says which note is heard, whenever it was for three seconds without a gap, and when it is heard no more. */
function hear(track, sender, source, hzList) {
  // Chromium only pumps remote sound that some element plays.
  const element = track.attach();
  element.muted = true;
  document.documentElement.append(element);
  const context = new AudioContext({ sampleRate: 48000 });
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0.3 });
  context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const heard = new Set();
  const clear = new Map();
  setInterval(() => {
    analyser.getFloatFrequencyData(bins);
    let peak = 1;
    for (let i = 1; i < bins.length; i += 1) if (bins[i] > bins[peak]) peak = i;
    const near = (hz) => Math.abs((peak * 48000) / 8192 - hz) < 12;
    for (const hz of hzList) {
      clear.set(hz, bins[peak] > -60 && near(hz) ? (clear.get(hz) ?? 0) + 1 : 0);
      if (clear.get(hz) === 30) {
        clear.set(hz, 0);
        window.say({ event: "steady", sender, source, hz });
      }
      if (bins[peak] > -60 && near(hz) && !heard.has(hz)) {
        heard.add(hz);
        window.say({ event: "heard", sender, source, hz });
      } else if (!(bins[peak] > -75 && near(hz)) && heard.delete(hz)) {
        window.say({ event: "silent", sender, source, hz });
      }
    }
  }, 100);
}

/** Says when pictures come, when their size changes, and whether anything is on them. */
function see(track, sender, source) {
  const video = track.attach();
  video.muted = true;
  document.documentElement.append(video);
  const canvas = new OffscreenCanvas(64, 36);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let frames = 0;
  let size = "";
  const next = async () => {
    video.requestVideoFrameCallback(next);
    const [width, height] = [video.videoWidth, video.videoHeight];
    frames = size === `${width}x${height}` ? frames + 1 : 1;
    size = `${width}x${height}`;
    if (![1, 10, 30].includes(frames)) return;
    const seen = { event: "seen", sender, source, frames, width, height };
    pen.drawImage(video, 0, 0, 64, 36);
    const green = pen.getImageData(0, 0, 64, 36).data.filter((_, i) => i % 4 === 1);
    seen.contrast = Math.max(...green) - Math.min(...green);
    seen.mime = (await track.getReceiverStats())?.mimeType;
    window.say(seen);
  };
  video.requestVideoFrameCallback(next);
}

function listen(room, hzList) {
  const E = L.RoomEvent;
  const on = (event, tell) => room.on(event, (...details) => window.say(tell(...details)));
  room.on(E.TrackSubscribed, (track, publication, who) => {
    const source = word(publication);
    const { isEncrypted: encrypted, mimeType: mime } = publication;
    window.say({ event: "track", sender: who.identity, source, kind: track.kind, encrypted, mime });
    if (track.kind === "audio") hear(track, who.identity, source, hzList);
    else see(track, who.identity, source);
  });
  on(E.TrackPublished, (p, who) => ({ event: "announced", sender: who.identity, source: word(p) }));
  on(E.TrackUnsubscribed, (_t, p, who) => ({ event: "track_gone", sender: who.identity, source: word(p) }));
  on(E.TrackMuted, (p, who) => ({ event: "muted", sender: who.identity, source: word(p) }));
  on(E.TrackUnmuted, (p, who) => ({ event: "unmuted", sender: who.identity, source: word(p) }));
  on(E.LocalTrackUnpublished, (p) => ({ event: "unpublished", source: word(p) }));
  const read = new Set();
  room.on(E.DataReceived, (bytes, who, kind, topic) => {
    const said = { event: "data", sender: who?.identity, reliable: kind === 0, topic, text: new TextDecoder().decode(bytes) };
    // Said again and again; told once.
    if (read.size < read.add(JSON.stringify(said)).size) window.say(said);
  });
  on(E.ParticipantConnected, (who) => ({ event: "person", identity: who.identity }));
  on(E.ParticipantDisconnected, (who) => ({ event: "person_gone", identity: who.identity }));
  on(E.ParticipantPermissionsChanged, () => ({ event: "permissions" }));
  on(E.ActiveSpeakersChanged, (who) => ({ event: "speakers", identities: who.map((w) => w.identity) }));
  on(E.Disconnected, (reason) => ({ event: "disconnected", reason }));
  on(E.Reconnecting, () => ({ event: "reconnecting" }));
  on(E.Reconnected, () => ({ event: "reconnected" }));
  on(E.EncryptionError, (error) => ({ event: "e2ee_error", error: String(error) }));
}

/** A picture that calls itself a microphone. */
const LIE = "lie";

async function publish(room, name, a) {
  const sound = ["mic", "megaphone", "screen_audio"].includes(name);
  const track = sound ? tone(a.hz) : picture(a.width, a.height);
  const source = name === LIE ? SOURCES.mic : SOURCES[name];
  const options = { source, name, dtx: false, red: a.red, simulcast: a.simulcast, videoCodec: a.codec };
  try {
    const publication = await room.localParticipant.publishTrack(track, options);
    window.say({ event: "published", source: name, sid: publication.trackSid });
  } catch (error) {
    window.say({ event: "publish_failed", source: name, error: String(error) });
  }
}

/** Sends pictures through the SDK's own connection without asking anybody, and says how many packets left. */
async function smuggle(room, a) {
  const { engine } = room;
  const transceiver = engine.pcManager.addPublisherTransceiver(picture(a.width, a.height), { direction: "sendonly" });
  await engine.negotiate();
  setInterval(async () => {
    const stats = [...(await transceiver.sender.getStats()).values()].find((s) => s.type === "outbound-rtp");
    window.say({ event: "smuggled", packets: stats?.packetsSent ?? 0 });
  }, 500);
}

/** Says which layers of our own pictures really leave. */
function watchLayers(room) {
  let told = "";
  setInterval(async () => {
    for (const publication of room.localParticipant.videoTrackPublications.values()) {
      const stats = (await publication.videoTrack?.getSenderStats()) ?? [];
      const layers = stats.filter((s) => s.framesSent > 5).map((s) => `${s.rid}:${s.frameWidth}x${s.frameHeight}`);
      if (layers.join() !== told) {
        told = layers.join();
        window.say({ event: "layers", source: word(publication), layers });
      }
    }
  }, 500);
}

window.join = async (a) => {
  // Layers nobody asked for stay on: what is measured here is what the host makes of them.
  const options = { adaptiveStream: false, dynacast: false };
  if (a.passphrase) {
    const keyProvider = new L.ExternalE2EEKeyProvider();
    await keyProvider.setKey(a.passphrase);
    options.encryption = { keyProvider, worker: new Worker("/livekit-client.e2ee.worker.js") };
  }
  const room = new L.Room(options);
  listen(room, a.listenHz);
  window.command = async (what, ...rest) => {
    const own = () => [...room.localParticipant.trackPublications.values()].find((p) => word(p) === rest[0]);
    if (what === "leave") await room.disconnect();
    if (what === "mute") await own().mute();
    if (what === "unmute") await own().unmute();
    if (what === "smuggle") await smuggle(room, a);
    if (what === "unpublish") await room.localParticipant.unpublishTrack(own().track);
    if (what === "quality") {
      const quality = L.VideoQuality[rest[1].toUpperCase()];
      for (const who of room.remoteParticipants.values()) {
        for (const p of who.trackPublications.values()) if (word(p) === rest[0]) p.setVideoQuality(quality);
      }
    }
  };
  try {
    if (a.passphrase) await room.setE2EEEnabled(true);
    await room.connect(a.url, a.token, { autoSubscribe: true });
  } catch (error) {
    failed("connect_failed")(error);
    return;
  }
  if (a.forced) room.localParticipant.hasPermissionsToPublish = () => true;
  window.say({ event: "connected", identity: room.localParticipant.identity, room: room.name });
  if (a.simulcast) watchLayers(room);
  for (const name of a.publish) publish(room, name, a);
  if (!a.data) return;
  const bytes = new TextEncoder().encode(a.data);
  setInterval(() => {
    room.localParticipant.publishData(bytes, { reliable: true, topic: "test" }).catch(failed("data_failed"));
    room.localParticipant.publishData(bytes, { reliable: false, topic: "lossy" }).catch(failed("data_failed"));
  }, 500);
};

// One participant on the official browser SDK (npm `livekit-client`), inside the page that browser_peer.mjs opens.
// Publishes a tone and a moving canvas, reports what it hears and sees through window.say.
const L = globalThis.LivekitClient;
const SOURCES = { mic: "microphone", camera: "camera", screen: "screen_share", megaphone: "unknown" };

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

function hear(track, sender, source, hzList) {
  // Chromium only pumps remote sound that some element plays.
  const element = track.attach();
  element.muted = true;
  document.documentElement.append(element);
  const context = new AudioContext({ sampleRate: 48000 });
  const analyser = new AnalyserNode(context, { fftSize: 8192 });
  context.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const told = new Set();
  setInterval(() => {
    analyser.getFloatFrequencyData(bins);
    let peak = 0;
    for (let i = 1; i < bins.length; i += 1) if (bins[i] > bins[peak]) peak = i;
    const hz = (peak * 48000) / 8192;
    for (const wanted of hzList) {
      if (bins[peak] > -60 && Math.abs(hz - wanted) < 12 && !told.has(wanted)) {
        told.add(wanted);
        window.say({ event: "heard", sender, source, hz: wanted });
      }
    }
  }, 100);
}

function see(track, sender, source) {
  const video = track.attach();
  video.muted = true;
  document.documentElement.append(video);
  let frames = 0;
  const next = () => {
    frames += 1;
    if ([1, 10, 30].includes(frames)) {
      window.say({ event: "seen", sender, source, frames, width: video.videoWidth, height: video.videoHeight });
    }
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
}

window.join = async (a) => {
  const options = { adaptiveStream: false, dynacast: a.simulcast };
  if (a.passphrase) {
    const keyProvider = new L.ExternalE2EEKeyProvider();
    await keyProvider.setKey(a.passphrase);
    options.encryption = { keyProvider, worker: new Worker("/livekit-client.e2ee.worker.js") };
  }
  const room = new L.Room(options);
  const E = L.RoomEvent;
  room.on(E.TrackSubscribed, (track, publication, who) => {
    window.say({ event: "track", sender: who.identity, source: publication.source, kind: track.kind, encrypted: publication.isEncrypted });
    if (track.kind === "audio") hear(track, who.identity, publication.source, a.listenHz);
    else see(track, who.identity, publication.source);
  });
  room.on(E.TrackUnsubscribed, (_t, publication, who) => window.say({ event: "track_gone", sender: who.identity, source: publication.source }));
  room.on(E.DataReceived, (bytes, who) => window.say({ event: "data", sender: who?.identity, text: new TextDecoder().decode(bytes) }));
  room.on(E.ParticipantConnected, (who) => window.say({ event: "person", identity: who.identity }));
  room.on(E.ParticipantDisconnected, (who) => window.say({ event: "person_gone", identity: who.identity }));
  room.on(E.Disconnected, (reason) => window.say({ event: "disconnected", reason }));
  room.on(E.Reconnecting, () => window.say({ event: "reconnecting" }));
  room.on(E.Reconnected, () => window.say({ event: "reconnected" }));
  room.on(E.EncryptionError, (error) => window.say({ event: "e2ee_error", error: String(error) }));
  try {
    await room.connect(a.url, a.token, { autoSubscribe: true });
  } catch (error) {
    window.say({ event: "connect_failed", error: String(error) });
    return;
  }
  if (a.passphrase) await room.setE2EEEnabled(true);
  window.say({ event: "connected", identity: room.localParticipant.identity });
  for (const name of a.publish) {
    const track = name === "mic" || name === "megaphone" ? tone(a.hz) : picture(a.width, a.height);
    try {
      await room.localParticipant.publishTrack(track, {
        source: SOURCES[name], name, dtx: false, red: false, simulcast: a.simulcast, videoCodec: a.codec,
      });
      window.say({ event: "published", source: name });
    } catch (error) {
      window.say({ event: "publish_failed", source: name, error: String(error) });
    }
  }
  if (a.data) {
    setInterval(() => room.localParticipant.publishData(new TextEncoder().encode(a.data), { reliable: true }).catch(() => {}), 1000);
  }
  window.leave = () => room.disconnect();
};

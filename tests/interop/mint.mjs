// A join token from the official Node server SDK (npm `livekit-server-sdk`), on stdout; options as JSON on stdin.
// The SDK reads LIVEKIT_API_KEY and LIVEKIT_API_SECRET by itself, as in an office's own backend.
// With `url` it also asks the host's RoomService who is in the room and says their identities instead.
import { text } from "node:stream/consumers";
import { AccessToken, RoomServiceClient, TrackSource } from "livekit-server-sdk";

const o = JSON.parse(await text(process.stdin));
if (o.url) {
  const people = await new RoomServiceClient(o.url).listParticipants(o.room);
  console.log(JSON.stringify(people.map((p) => p.identity)));
} else {
  const token = new AccessToken(undefined, undefined, { identity: o.identity, name: o.identity });
  token.addGrant({ roomJoin: true, room: o.room, canPublishSources: o.sources?.map((word) => TrackSource[word.toUpperCase()]) });
  console.log(await token.toJwt());
}

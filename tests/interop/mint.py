"""A join token from the official Python server SDK (PyPI `livekit-api`), on stdout; options as JSON on stdin.

The SDK reads LIVEKIT_API_KEY and LIVEKIT_API_SECRET by itself, as in an office's own backend.
"""
import json, sys

from livekit import api

o = json.load(sys.stdin)
grants = api.VideoGrants(room_join=True, room=o["room"], can_publish_sources=o.get("sources"))
print(api.AccessToken().with_identity(o["identity"]).with_name(o["identity"]).with_grants(grants).to_jwt())

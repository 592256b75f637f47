//! A clock for `heartbeat.ts`, in a worker so that it keeps time while the page is hidden.

setInterval(() => postMessage(0), 2_000);
